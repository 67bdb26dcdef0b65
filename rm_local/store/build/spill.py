"""Files of a bulk build with the encoded rows of a stripe, one for each group of clusters."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.arrays import Ids
from rm_local.errors import StoreError
from rm_local.files import sync_dir, sync_file
from rm_local.store.build.columns import (
    DamagedRecordError,
    EncodedColumns,
    pack_record,
    read_record,
)
from rm_local.store.sqlite.tables import EntryMetadata


class SpillFiles:
    """The spill files of a stripe: its encoded rows, in one file for each group of clusters.

    A log records their lengths at each checkpoint, from which a stopped build resumes.
    """

    def __init__(self, folder: Path, groups: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._log = folder / "progress.jsonl"
        self.groups = groups
        self.blocks = 0
        """Number of the stripe's blocks with all rows in the files at the last checkpoint."""
        self.counts: Ids = np.zeros(groups, np.int64)
        """Number of the stripe's rows in each group's file: an array (groups,)."""
        self.labels: dict[EntryMetadata, int] = {}
        """Numbers of the labels in the files, from 0, in order of their first use."""
        self._sizes = [0] * groups
        self._restore_state_and_trim_log()
        self._logged = len(self.labels)
        self._unsynced: set[int] = set()

    @property
    def rows(self) -> int:
        """Number of encoded rows in all spill files of the stripe."""
        return int(self.counts.sum())

    def truncate_to_checkpoint(self) -> None:
        """Truncate the files to their lengths at the last checkpoint; later rows are lost."""
        for group, size in enumerate(self._sizes):
            path = self._get_group_path(group)
            if path.exists() and path.stat().st_size > size:
                os.truncate(path, size)

    def append(self, groups: Mapping[int, EncodedColumns]) -> None:
        """Append rows to the files of their groups; `groups` has them by number of the group.

        A stop before the next checkpoint loses them.
        """
        for group, columns in groups.items():
            with self._get_group_path(group).open("ab") as file:
                self._sizes[group] += file.write(pack_record(columns))
            self.counts[group] += len(columns)
            self._unsynced.add(group)

    def write_checkpoint(self, blocks: int) -> None:
        """Sync the files and log their lengths; they contain the stripe's first `blocks` blocks.

        A stopped build resumes after these blocks.
        """
        for group in sorted(self._unsynced):
            sync_file(self._get_group_path(group))
        self._unsynced.clear()
        line = {
            "blocks": blocks,
            "sizes": self._sizes,
            "counts": self.counts.tolist(),
            "labels": [*self.labels][self._logged :],
        }
        with self._log.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_dir(self._folder)
        self.blocks, self._logged = blocks, len(self.labels)

    def read_group(self, group: int) -> Iterator[EncodedColumns]:
        """Yield the stripe's rows of a group, record by record.

        Raises:
            StoreError: The spill file is damaged.
        """
        path = self._get_group_path(group)
        if not self.counts[group]:
            return
        try:
            with path.open("rb") as file:
                while record := read_record(file):
                    yield record
        except DamagedRecordError:
            raise StoreError(f"{path} is damaged.", "Remove its folder and build again.") from None

    def remove_group(self, group: int) -> None:
        """Remove the spill file with the stripe's rows of a group of clusters, if it exists."""
        self._get_group_path(group).unlink(missing_ok=True)

    def _get_group_path(self, group: int) -> Path:
        return self._folder / f"{group:04}.rows"

    def _restore_state_and_trim_log(self) -> None:
        """Set the attributes to their values at the last checkpoint; drop an incomplete line."""
        lines = self._log.read_bytes().splitlines(keepends=True) if self._log.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        for line in whole:
            found: dict[str, Any] = json.loads(line)
            self.blocks, self._sizes = found["blocks"], found["sizes"]
            self.counts = np.array(found["counts"], np.int64)
            for label in found["labels"]:
                self.labels[tuple(label)] = len(self.labels)
        if len(whole) < len(lines):
            os.truncate(self._log, sum(map(len, whole)))

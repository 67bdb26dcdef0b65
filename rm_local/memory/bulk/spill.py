"""Rows on their way into the store, sorted roughly: a file for each group of clusters."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from rm_local.errors import StoreError
from rm_local.memory.bulk.files import sync_folder
from rm_local.memory.rows import Label

HEADER = struct.Struct("<4sIIQI")
"""Magic, rows, dimension, bytes that follow, their CRC-32."""
MAGIC = b"RMSP"
LEVEL = 1
"""Of zstandard: the file is read once, soon."""


@dataclass(frozen=True)
class Columns:
    """Rows ready to be written, column by column."""

    clusters: NDArray[np.int32]
    labels: NDArray[np.int32]
    bits: NDArray[np.uint8]
    """(n, d / 8)."""
    codes: NDArray[np.int8]
    """(n, d)."""
    texts: list[bytes]
    """As frames hold them."""

    def __len__(self) -> int:
        return len(self.clusters)

    def chosen(self, places: NDArray[np.int64]) -> Columns:
        """The rows at `places`, in this order."""
        texts = [self.texts[place] for place in places.tolist()]
        return Columns(
            self.clusters[places], self.labels[places], self.bits[places], self.codes[places], texts
        )


def joined(parts: list[Columns]) -> Columns:
    """All rows of all parts, which are one at least."""
    return Columns(
        np.concatenate([part.clusters for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.bits for part in parts]),
        np.concatenate([part.codes for part in parts]),
        [text for part in parts for text in part.texts],
    )


class Spill:
    """The files of one build, and the log that says how much of them is whole."""

    def __init__(self, folder: Path, groups: int) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._log = folder / "progress.jsonl"
        self.groups = groups
        self.rows = 0
        """Rows of the source that are in the files for good."""
        self.labels: dict[Label, int] = {}
        """Number of each label, from 1."""
        self._sizes = [0] * groups
        self._read_log()
        self._logged = len(self.labels)

    def path(self, group: int) -> Path:
        """The file of one group."""
        return self._folder / f"{group:04}.rows"

    def cut_back(self) -> None:
        """Undo what a stopped build wrote after its last checkpoint."""
        for group, size in enumerate(self._sizes):
            with self.path(group).open("ab") as file:
                file.truncate(size)

    def checkpoint(self, groups: dict[int, Columns], rows: int) -> None:
        """Append rows to their groups; `rows` of the source are then in the files, for good."""
        for group, columns in groups.items():
            with self.path(group).open("ab") as file:
                self._sizes[group] += file.write(_packed(columns))
                file.flush()
                os.fsync(file.fileno())
        line = {"rows": rows, "sizes": self._sizes, "labels": [*self.labels][self._logged :]}
        with self._log.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self._folder)
        self.rows, self._logged = rows, len(self.labels)

    def read(self, group: int) -> Iterator[Columns]:
        """The rows of one group, record by record. StoreError: the file is damaged."""
        with self.path(group).open("rb") as file:
            while head := file.read(HEADER.size):
                magic, rows, dimension, size, check = HEADER.unpack(head)
                body = file.read(size)
                if magic != MAGIC or zlib.crc32(body) != check:
                    raise StoreError(
                        f"{self.path(group)} is damaged.", "Remove its folder and build again."
                    )
                yield _unpacked(body, rows, dimension)

    def drop(self, group: int) -> None:
        """Remove the file of a group that is written."""
        self.path(group).unlink(missing_ok=True)

    def _read_log(self) -> None:
        lines = self._log.read_bytes().splitlines(keepends=True) if self._log.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        for line in whole:
            found: dict[str, Any] = json.loads(line)
            self.rows, self._sizes = found["rows"], found["sizes"]
            for label in found["labels"]:
                self.labels[tuple(label)] = len(self.labels) + 1
        if len(whole) < len(lines):
            os.truncate(self._log, sum(map(len, whole)))


def _packed(columns: Columns) -> bytes:
    lengths = np.array([len(text) for text in columns.texts], np.uint32)
    texts = zstandard.ZstdCompressor(LEVEL).compress(b"".join(columns.texts))
    arrays = (columns.clusters, columns.labels, lengths, columns.bits, columns.codes)
    body = b"".join([*(array.tobytes() for array in arrays), texts])
    rows, dimension = columns.codes.shape
    return HEADER.pack(MAGIC, rows, dimension, len(body), zlib.crc32(body)) + body


def _unpacked(body: bytes, rows: int, dimension: int) -> Columns:
    place = 0

    def column(kind: str, width: int) -> NDArray[Any]:
        nonlocal place
        found = np.frombuffer(body, kind, rows * width, place).reshape(rows, width)
        place += found.nbytes
        return found

    clusters, labels, lengths = (column(kind, 1)[:, 0] for kind in ("<i4", "<i4", "<u4"))
    bits, codes = column("u1", dimension // 8), column("i1", dimension)
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    texts = zstandard.ZstdDecompressor().decompress(body[place:])
    starts = [0, *ends[:-1]]
    rows_of_text = [texts[start:end] for start, end in zip(starts, ends, strict=True)]
    return Columns(clusters, labels, bits, codes, rows_of_text)

"""Writes vectors to a .npy file in blocks of rows; an interrupted run can be continued."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.arrays import Floats
from rm_local.errors import UsageError
from rm_local.files import rename_and_sync_parent
from rm_local.store import EmbedderId

Embed = Callable[[Sequence[str]], Floats]


class ResumableNpyWriter:
    """Writes the vectors of texts to a .npy file, block by block, so that a run can be continued.

    Until the end the rows are in `NAME.part`, and `NAME.log` lists the finished blocks: its first
    line describes the file, each other line has the number of a block's first row and the sha256 of
    its texts.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int], block: int, done: dict[int, str]
    ) -> None:
        self._path, self._shape, self._block, self._done = path, shape, block, done

    @classmethod
    def open(cls, path: Path, count: int, embedder: EmbedderId, block: int) -> ResumableNpyWriter:
        """Begin the file `path` with `count` rows, or continue that of an interrupted run.

        Raises:
            UsageError: The interrupted run had another number of texts or another embedder.
        """
        head = {
            "rows": count,
            "block": block,
            "embedder": embedder.id,
            "dimension": embedder.dimension,
            "sha256": embedder.sha256,
        }
        part, log = _get_part_path(path), _get_log_path(path)
        lines = _read_and_repair_log(log) if part.exists() and log.exists() else []
        if lines and lines[0] != head:
            raise _make_other_input_error(path)
        if not lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The log is written last, so rows without a log are begun again.
            log.unlink(missing_ok=True)
            _create_zeroed_npy_file(part, (count, embedder.dimension))
            log.write_text(json.dumps(head) + "\n", "utf-8")
        done = {line["start"]: line["texts"] for line in lines[1:]}
        return cls(path, (count, embedder.dimension), block, done)

    def check_and_find_missing_blocks(self, texts: Sequence[str]) -> Iterator[int]:
        """Yield the number of the first row of each block of `texts` that is not written yet.

        Raises:
            UsageError: A finished block was computed from texts other than `texts`.
        """
        for start in range(0, self._shape[0], self._block):
            if start not in self._done:
                yield start
            elif self._done[start] != _hash_texts(texts[start : start + self._block]):
                raise _make_other_input_error(self._path)

    def embed_and_write_block(self, start: int, texts: Sequence[str], embed: Embed) -> None:
        """Embed `texts`, write them as the rows from `start`, then record the block in the log."""
        # Sorted, so that texts of similar length share a batch even if `embed` does not sort.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), self._shape[1]), dtype=np.float32)
        vectors[order] = embed([texts[i] for i in order])
        # Not through a memory map: on a full disk that kills the process without an error.
        with _get_part_path(self._path).open("r+b") as rows:
            rows.seek(-vectors.itemsize * self._shape[1] * (self._shape[0] - start), os.SEEK_END)
            rows.write(vectors.tobytes())
            rows.flush()
            os.fsync(rows.fileno())
        line = {"start": start, "texts": _hash_texts(texts)}
        with _get_log_path(self._path).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
            log.flush()
            os.fsync(log.fileno())

    def rename_part_and_remove_log(self) -> None:
        """Rename the part file to its final name, and remove the log."""
        rename_and_sync_parent(_get_part_path(self._path), self._path)
        _get_log_path(self._path).unlink(missing_ok=True)


def _create_zeroed_npy_file(part: Path, shape: tuple[int, int]) -> None:
    """Create a .npy file for a float32 array of this shape; its content is zeros."""
    head = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with part.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        file.truncate(file.tell() + shape[0] * shape[1] * 4)


def _get_part_path(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _get_log_path(path: Path) -> Path:
    return path.with_name(path.name + ".log")


def _read_and_repair_log(log: Path) -> list[dict[str, Any]]:
    """Return the JSON objects of a log's lines; remove an incomplete last line from the file."""
    text = log.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        log.write_text(whole, "utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def _hash_texts(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _make_other_input_error(path: Path) -> UsageError:
    return UsageError(
        f"{_get_part_path(path)} was begun with other texts or another embedder.",
        f"Remove it and {_get_log_path(path).name}, or write to another file.",
    )

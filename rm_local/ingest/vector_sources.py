"""Sources for a bulk build: entries of files with their vectors, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from rm_local.embed import load_shipped_static
from rm_local.store import EntryBatch, JsonlEntryBlocks


@dataclass(frozen=True)
class EntrySourceWithNpyVectors:
    """Source for a bulk build: entries of JSON Lines files, with vectors from a .npy file."""

    lines: JsonlEntryBlocks
    vectors: Path
    """Path of the .npy file, with one row per entry."""
    vectors_id: str
    """Text that identifies the vectors, a part of `fingerprint`."""

    @property
    def rows(self) -> int:
        """Number of entries in the source."""
        return self.lines.rows

    @property
    def fingerprint(self) -> str:
        """Text that identifies the entries and their vectors."""
        return f"{self.lines.sha256} {self.vectors_id}"

    @property
    def block_rows(self) -> int:
        """Number of entries in a block; the last one may have fewer."""
        return self.lines.block_rows

    def read_block(self, number: int) -> EntryBatch:
        """Return the entries and vectors of block `number`, counted from 0."""
        entries = self.lines.read_block_entries(number)
        start = number * self.block_rows
        rows = np.load(self.vectors, mmap_mode="r")[start : start + len(entries)]
        return entries, np.asarray(rows, dtype=np.float32)


@dataclass(frozen=True)
class EntrySourceWithStaticVectors:
    """Source for a bulk build: entries of JSON Lines files, embedded by rm-static when read.

    That is faster than reading vectors from a file.
    """

    lines: JsonlEntryBlocks

    @property
    def rows(self) -> int:
        """Number of entries in the source."""
        return self.lines.rows

    @property
    def fingerprint(self) -> str:
        """Text that identifies the entries and the version of rm-static."""
        return f"{self.lines.sha256} {load_shipped_static().id}"

    @property
    def block_rows(self) -> int:
        """Number of entries in a block; the last one may have fewer."""
        return self.lines.block_rows

    def read_block(self, number: int) -> EntryBatch:
        """Return the entries and vectors of block `number`, counted from 0."""
        entries = self.lines.read_block_entries(number)
        return entries, load_shipped_static().embed([entry.subproblem for entry in entries])


@dataclass(frozen=True)
class SubproblemSequence(Sequence[str]):
    """Sequence of the subproblems of all entries in `lines`, read from disk on access.

    A slice must have step 1.
    """

    lines: JsonlEntryBlocks

    def __len__(self) -> int:
        return self.lines.rows

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if not isinstance(place, slice):
            return self[place : place + 1][0]
        start, stop, step = place.indices(len(self))
        if step != 1:
            raise ValueError("a slice must have step 1")
        size = self.lines.block_rows
        first = start // size
        read = [
            entry.subproblem
            for number in range(first, -(-stop // size))
            for entry in self.lines.read_block_entries(number)
        ]
        return read[start - first * size : stop - first * size]

"""Entries with their vectors, block by block, as a bulk build reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray

from rm_local.embed import load_shipped_static
from rm_local.errors import UsageError
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store import VECTORS_FILE, EntryBatch, LineBlocks, copy_input, input_name, needs_copy

SAVE = "Write the vectors with numpy.save."
CHECKED_ROWS = 4096
"""Vectors that are looked at together."""


@dataclass(frozen=True)
class VectorFile:
    """A .npy file that can be read from any row on."""

    path: Path
    name: str
    """What the user called it."""
    state: str
    """Another one when the vectors are others."""

    @classmethod
    def of(cls, given: Path, folder: Path) -> Self:
        """The file `given`, or a copy in `folder` of what can be read only from end to end.

        UsageError: it cannot be read; StoreError: the disk has no room for the copy.
        """
        if needs_copy(given):
            copy = folder / VECTORS_FILE
            return cls(copy.absolute(), input_name(given), copy_input(given, copy))
        try:
            status = given.stat()
        except OSError as error:
            raise _unreadable(given, error) from None
        return cls(given.absolute(), str(given), f"{status.st_size} {status.st_mtime_ns}")


@dataclass(frozen=True)
class GivenVectors:
    """Vectors from a .npy file, one row for each entry (a `Source`)."""

    lines: LineBlocks
    vectors: Path
    called: str
    """Tells the vectors from others."""

    @property
    def rows(self) -> int:
        """How many entries there are."""
        return self.lines.rows

    @property
    def fingerprint(self) -> str:
        """Of lines and vectors."""
        return f"{self.lines.sha256} {self.called}"

    @property
    def block_rows(self) -> int:
        """As the lines are cut."""
        return self.lines.block_rows

    def read_block(self, number: int) -> EntryBatch:
        """Rows from `number * block_rows` on."""
        entries = self.lines.read_entries(number)
        start = number * self.block_rows
        rows = np.load(self.vectors, mmap_mode="r")[start : start + len(entries)]
        return entries, np.asarray(rows, dtype=np.float32)


@dataclass(frozen=True)
class StaticVectors:
    """Vectors made on the way by the shipped static embedder: quicker than a file (a `Source`)."""

    lines: LineBlocks

    @property
    def rows(self) -> int:
        """How many entries there are."""
        return self.lines.rows

    @property
    def fingerprint(self) -> str:
        """Of lines and table."""
        return f"{self.lines.sha256} {load_shipped_static().id}"

    @property
    def block_rows(self) -> int:
        """As the lines are cut."""
        return self.lines.block_rows

    def read_block(self, number: int) -> EntryBatch:
        """Rows from `number * block_rows` on."""
        entries = self.lines.read_entries(number)
        return entries, load_shipped_static().embed([entry.subproblem for entry in entries])


@dataclass(frozen=True)
class Subproblems(Sequence[str]):
    """The entries' subproblems, read when they are asked for."""

    lines: LineBlocks

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
            raise ValueError("only slices of neighbours can be read")
        size = self.lines.block_rows
        first = start // size
        read = [
            entry.subproblem
            for number in range(first, -(-stop // size))
            for entry in self.lines.read_entries(number)
        ]
        return read[start - first * size : stop - first * size]


def check_vectors(
    file: VectorFile, rows: int, dimension: int, report: ProgressCallback = ignore_progress
) -> None:
    """UsageError: the .npy file is not one vector of `dimension` for each of `rows` entries.

    Reads all of it, as a row without direction would stop the build late.
    """
    vectors = _mapped(file)
    if vectors.shape != (rows, dimension):
        raise UsageError(
            f"{file.name} has the shape {vectors.shape}, not ({rows}, {dimension}): "
            f"{rows:,} entries, and an embedder of {dimension} dimensions.",
            "Give the vectors of these entries, in their order, and --embedder as it was.",
        )
    meter = ProgressMeter(report, "check", rows)
    for start in range(0, rows, CHECKED_ROWS):
        block = np.asarray(vectors[start : start + CHECKED_ROWS], dtype=np.float32)
        lengths = np.einsum("ij,ij->i", block, block)
        wrong = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
        if len(wrong):
            raise UsageError(
                f"{file.name}, row {start + wrong[0]}: the vector is zero or not finite.",
                "Embed that entry again; rows are counted from 0.",
            )
        meter.reach(min(start + CHECKED_ROWS, rows))


def _mapped(file: VectorFile) -> NDArray[np.floating]:
    try:
        vectors = np.load(file.path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise _unreadable(file.name, error) from None
    except (ValueError, EOFError):
        raise UsageError(
            f"{file.name} cannot be read: it is no .npy file, or cut short.", SAVE
        ) from None
    if not isinstance(vectors, np.ndarray) or vectors.dtype.kind != "f":
        raise UsageError(f"{file.name} holds no array of floating-point numbers.", SAVE)
    return vectors


def _unreadable(name: object, error: OSError) -> UsageError:
    return UsageError(f"{name} cannot be read: {error.strerror or error}.", SAVE)

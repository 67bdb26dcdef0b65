"""Sources for a bulk build: entries of files with their vectors, block by block."""

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
from rm_local.store import (
    VECTORS_FILE,
    EntryBatch,
    LineBlocks,
    copy_and_hash_decompressed,
    get_input_name,
    needs_copy,
)

SAVE_REMEDY = "Write the vectors with numpy.save."
CHECKED_ROWS = 4096
"""Number of vectors of a file that are read and checked at once."""


@dataclass(frozen=True)
class VectorFile:
    """A .npy file of vectors that the user has given, or a copy if it was a pipe or compressed."""

    path: Path
    name: str
    """Name of the file as given by the user, for messages."""
    state: str
    """Text that changes with the file: size and modification time, or SHA-256 of the copy."""

    @classmethod
    def from_path_or_copy(cls, given: Path, folder: Path) -> Self:
        """Return the file `given`, first copied to `folder` if it is a pipe or compressed.

        Raises:
            UsageError: The file cannot be read.
            StoreError: The disk has no space for the copy.
        """
        if needs_copy(given):
            copy = folder / VECTORS_FILE
            return cls(
                copy.absolute(), get_input_name(given), copy_and_hash_decompressed(given, copy)
            )
        try:
            status = given.stat()
        except OSError as error:
            raise _make_read_error(given, error) from None
        return cls(given.absolute(), str(given), f"{status.st_size} {status.st_mtime_ns}")


@dataclass(frozen=True)
class NpyVectorSource:
    """Source for a bulk build: entries of JSON Lines files, with vectors from a .npy file."""

    lines: LineBlocks
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
        entries = self.lines.read_entries(number)
        start = number * self.block_rows
        rows = np.load(self.vectors, mmap_mode="r")[start : start + len(entries)]
        return entries, np.asarray(rows, dtype=np.float32)


@dataclass(frozen=True)
class StaticVectorSource:
    """Source for a bulk build: entries of JSON Lines files, embedded by rm-static when read.

    That is faster than reading vectors from a file.
    """

    lines: LineBlocks

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
        entries = self.lines.read_entries(number)
        return entries, load_shipped_static().embed([entry.subproblem for entry in entries])


@dataclass(frozen=True)
class SubproblemSequence(Sequence[str]):
    """Sequence of the subproblems of all entries in `lines`, read from disk on access.

    A slice must have step 1.
    """

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
            raise ValueError("a slice must have step 1")
        size = self.lines.block_rows
        first = start // size
        read = [
            entry.subproblem
            for number in range(first, -(-stop // size))
            for entry in self.lines.read_entries(number)
        ]
        return read[start - first * size : stop - first * size]


def check_vector_file(
    file: VectorFile, rows: int, dimension: int, report: ProgressCallback = ignore_progress
) -> None:
    """Check that the .npy file has one usable vector of `dimension` for each of `rows` entries.

    The whole file is read, because an unusable row would otherwise stop the build late.

    Raises:
        UsageError: The file has another shape, or a row is zero or not finite.
    """
    vectors = _memory_map_vectors(file)
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
        meter.report_units_done(min(start + CHECKED_ROWS, rows))


def _memory_map_vectors(file: VectorFile) -> NDArray[np.floating]:
    """Return the array in the .npy file, memory-mapped.

    Raises:
        UsageError: The file cannot be read, or has no floating-point numbers.
    """
    try:
        vectors = np.load(file.path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise _make_read_error(file.name, error) from None
    except (ValueError, EOFError):
        raise UsageError(
            f"{file.name} cannot be read: it is not a .npy file, or incomplete.", SAVE_REMEDY
        ) from None
    if not isinstance(vectors, np.ndarray) or vectors.dtype.kind != "f":
        raise UsageError(f"{file.name} is not an array of floating-point numbers.", SAVE_REMEDY)
    return vectors


def _make_read_error(name: object, error: OSError) -> UsageError:
    return UsageError(f"{name} cannot be read: {error.strerror or error}.", SAVE_REMEDY)

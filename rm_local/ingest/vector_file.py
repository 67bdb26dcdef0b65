"""A .npy file of vectors that the user has given: copied if it can be read once, and checked."""

from __future__ import annotations

import io
import math
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from rm_local.errors import UsageError
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store import (
    VECTORS_FILE,
    copy_and_hash_decompressed,
    get_input_name,
    needs_copy_for_random_access,
    open_decompressed_input,
)

SAVE_REMEDY = "Write the vectors with numpy.save."
CHECKED_ROWS = 4096
"""Number of vectors of a file that are read and checked at once."""
_MOST_HEADER_BYTES = 1 << 14
"""Maximum bytes of a header; numpy writes about 128 for an array of numbers."""
_HEADER_READERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}
"""Readers of the versions of the format that arrays of numbers have; later ones name fields."""


@dataclass(frozen=True)
class VectorFile:
    """A .npy file of vectors that the user has given, or a copy if it was a pipe or compressed."""

    path: Path
    name: str
    """Name of the file as given by the user, for messages."""
    state: str
    """Text that changes with the file: size and modification time, or SHA-256 of the copy."""

    @classmethod
    def from_path_or_copy(cls, given: Path, folder: Path, rows: int, dimension: int) -> Self:
        """Return the file `given`, first copied to `folder` if it is a pipe or compressed.

        Before that its header is read. It has to state an array (rows, dimension) of floating-point
        numbers, and no more is copied than it states: a stream may have no end.

        Raises:
            UsageError: The file cannot be read, or its header states something else.
            StoreError: The disk has no space for the copy.
        """
        name = get_input_name(given)

        def read_head(source: BinaryIO) -> tuple[bytes, int]:
            return _read_checked_head_and_file_size(source, name, (rows, dimension))

        if needs_copy_for_random_access(given):
            copy = folder / VECTORS_FILE
            return cls(copy.absolute(), name, copy_and_hash_decompressed(given, copy, read_head))
        try:
            with open_decompressed_input(given) as source:
                read_head(source)
            status = given.stat()
        except OSError as error:
            raise _make_read_error(given, error) from None
        return cls(given.absolute(), name, f"{status.st_size} {status.st_mtime_ns}")


def check_vector_file(
    file: VectorFile, rows: int, dimension: int, report: ProgressCallback = ignore_progress
) -> None:
    """Check that the .npy file has one usable vector of `dimension` for each of `rows` entries.

    The whole file is read, because an unusable row would otherwise stop the build late.

    Raises:
        UsageError: The file has another shape, or a row is zero or not finite.
    """
    vectors = _memory_map_vectors(file)
    _check_array(file.name, vectors.shape, vectors.dtype, (rows, dimension))
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


def _read_checked_head_and_file_size(
    source: BinaryIO, name: str, wanted: tuple[int, int]
) -> tuple[bytes, int]:
    """Read the beginning of a .npy file with its header, and check what that states.

    Return the bytes that were read, and the size in bytes of the file that the header states.

    Raises:
        UsageError: It is no header, or not of an array of the shape `wanted`.
    """
    head = b""
    while len(head) < _MOST_HEADER_BYTES and (more := source.read(_MOST_HEADER_BYTES - len(head))):
        head += more
    stream = io.BytesIO(head)
    try:
        shape, _, dtype = _HEADER_READERS[npy_format.read_magic(stream)](stream)
    except (
        KeyError,
        ValueError,
        EOFError,
        SyntaxError,
        TypeError,
        RecursionError,
        MemoryError,  # of Python's parser, for many brackets
        tokenize.TokenError,
    ):
        raise _make_format_error(name) from None
    _check_array(name, shape, dtype, wanted)
    return head, stream.tell() + math.prod(shape) * dtype.itemsize


def _check_array(
    name: str, shape: tuple[int, ...], dtype: np.dtype[Any], wanted: tuple[int, int]
) -> None:
    """Check the shape of an array, and that it has floating-point numbers.

    Raises:
        UsageError: It is another array; `name` is the name of its file.
    """
    if dtype.hasobject:
        raise _make_format_error(name)
    if dtype.kind != "f":
        raise UsageError(f"{name} is not an array of floating-point numbers.", SAVE_REMEDY)
    if shape != wanted:
        rows, dimension = wanted
        raise UsageError(
            f"{name} has the shape {shape}, not ({rows}, {dimension}): "
            f"{rows:,} entries, and an embedder of {dimension} dimensions.",
            "Give the vectors of these entries, in their order, and --embedder as it was.",
        )


def _memory_map_vectors(file: VectorFile) -> NDArray[np.floating]:
    """Return the array in the .npy file, memory-mapped.

    Raises:
        UsageError: The file cannot be read, or is too short.
    """
    try:
        vectors: NDArray[np.floating] = np.load(file.path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise _make_read_error(file.name, error) from None
    except (ValueError, EOFError):
        raise _make_format_error(file.name) from None
    return vectors


def _make_format_error(name: str) -> UsageError:
    return UsageError(f"{name} cannot be read: it is not a .npy file, or incomplete.", SAVE_REMEDY)


def _make_read_error(name: object, error: OSError) -> UsageError:
    return UsageError(f"{name} cannot be read: {error.strerror or error}.", SAVE_REMEDY)

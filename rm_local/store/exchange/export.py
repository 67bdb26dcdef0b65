"""Exports entries as JSON Lines, and their vectors as a .npy file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import zstandard

from rm_local.arrays import Floats
from rm_local.errors import StoreError, UsageError
from rm_local.files import write_atomically
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store.exchange.jsonl import format_entry_as_json_line
from rm_local.store.request import ANY_ENTRY, EntryFilter
from rm_local.store.rewrite.store_source import StoreEntrySource

GZIP_LEVEL, ZSTD_LEVEL = 6, 6


def export_entries(
    held: StoreEntrySource,
    lines: BinaryIO,
    vectors: NpyVectorWriter | None = None,
    *,
    filter: EntryFilter = ANY_ENTRY,
    ids: bool = False,
    name: str = "",
    report: ProgressCallback = ignore_progress,
) -> int:
    """Write the entries of `held` that pass `filter` to `lines`, as JSON Lines, in order of id.

    Their vectors are appended to `vectors`, if given. With `ids` each line includes the entry's id,
    and `name`, the name of its store, if given. `report` gets the number of read rows. Return the
    number of written entries.
    """
    count = 0
    meter = ProgressMeter(report, "export", held.rows)
    for number in range(held.blocks):
        entries, found = held.read_filtered_block(number, filter)
        lines.write(
            b"".join(format_entry_as_json_line(entry, with_id=ids, store=name) for entry in entries)
        )
        if vectors:
            vectors.append(found)
        count += len(entries)
        meter.report_units_done(min((number + 1) * held.block_rows, held.rows))
    return count


class NpyVectorWriter:
    """Writer of a .npy file of float32 rows, which are appended array by array."""

    def __init__(self, file: BinaryIO, dimension: int) -> None:
        self._file, self._dimension, self._rows = file, dimension, 0
        self._write_header()

    def append(self, vectors: Floats) -> None:
        """Append the rows of `vectors`, an array (n, d), to the .npy file."""
        self._file.write(vectors.astype("<f4").tobytes())
        self._rows += len(vectors)

    def finish_header(self) -> None:
        """Write the number of appended rows into the file's header, which makes the file valid."""
        self._file.seek(0)
        self._write_header()

    def _write_header(self) -> None:
        # numpy pads the header to the same length for any number of rows.
        header = {
            "descr": "<f4",
            "fortran_order": False,
            "shape": (self._rows, self._dimension),
        }
        np.lib.format.write_array_header_1_0(self._file, header)


@contextmanager
def open_new_output_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for writing that appears as `path` only if the body ends without an error.

    Its bytes are compressed if the name ends with .zst or .gz.

    Raises:
        UsageError: The file exists already.
        StoreError: The file cannot be written, or the disk is full.
    """
    if path.exists():
        raise UsageError(f"{path} exists already.", "Choose another name, or remove it first.")
    try:
        with write_atomically(path) as file, _compress_output(file, path.suffix.lower()) as packed:
            yield packed
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}.", "Choose another place."
        ) from error


@contextmanager
def _compress_output(file: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """Yield a stream that compresses into `file` by the suffix .zst or .gz; otherwise `file`."""
    match suffix:
        case ".zst":
            with zstandard.ZstdCompressor(ZSTD_LEVEL).stream_writer(file, closefd=False) as packed:
                yield cast(BinaryIO, packed)
        case ".gz":
            # No name and no time, so that the same entries give the same file.
            with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as packed:
                yield cast(BinaryIO, packed)
        case _:
            yield file

"""Exports a synthetic corpus as JSON Lines, and its vectors as a .npy file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from rm_local.bench.corpus.synthetic import SyntheticSource
from rm_local.errors import RmLocalError, UsageError
from rm_local.files import write_atomically
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.store import format_entry_as_json_line


def export_synthetic_rows(
    source: SyntheticSource,
    write: Callable[[bytes], object],
    vectors: IO[bytes] | None,
    report: ProgressCallback,
) -> None:
    """Pass all entries to `write` as JSON Lines, block by block.

    Write their vectors to the file `vectors`, unless that is None, as a float16 .npy array.
    """
    if vectors:
        dimension = source.make_vectors(0).shape[1]
        shape = {"descr": "<f2", "fortran_order": False, "shape": (source.rows, dimension)}
        np.lib.format.write_array_header_1_0(vectors, shape)
    meter = ProgressMeter(report, "write", source.rows)
    for number in range(source.blocks):
        write(b"".join(map(format_entry_as_json_line, source.make_block_entries(number))))
        if vectors:
            vectors.write(source.make_vectors(number).astype("<f2").tobytes())
        meter.report_units_done(min((number + 1) * source.block_rows, source.rows))


@contextmanager
def create_new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file for writing; remove it if the body of the `with` statement raises.

    Raises:
        UsageError: The file exists, or cannot be created.
        RmLocalError: Writing fails later on.
    """
    if path.exists():
        raise UsageError(f"{path} exists.", "Remove it, or choose another name.")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(write_atomically(path))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
        try:
            with stack.pop_all():
                yield file
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RmLocalError(
                f"Writing failed: {error.strerror}. What was written is removed.",
                "Make room, or choose a place on another disk.",
            ) from None

"""A source as JSON Lines, and its vectors as a .npy file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np

from rm_local.bench.corpus.corpus import Report
from rm_local.bench.corpus.synthetic import Synth
from rm_local.errors import RmLocalError, UsageError
from rm_local.files import rename
from rm_local.records import Entry

TOLD_EVERY = 32
"""Blocks between two reports."""


def stream(
    source: Synth, write: Callable[[bytes], object], vectors: IO[bytes] | None, report: Report
) -> None:
    """Hand all entries to `write`, a block of JSON Lines at a time, and vectors to their file."""
    if vectors:
        dimension = source.vectors(0).shape[1]
        shape = {"descr": "<f2", "fortran_order": False, "shape": (source.rows, dimension)}
        np.lib.format.write_array_header_1_0(vectors, shape)
    for number in range(source.blocks):
        write(b"".join(map(line, source.entries(number))))
        if vectors:
            vectors.write(source.vectors(number).astype("<f2").tobytes())
        if number % TOLD_EVERY == TOLD_EVERY - 1:
            report(f"{(number + 1) * source.block_rows:,} of {source.rows:,} rows")


def line(entry: Entry) -> bytes:
    """One entry as a line of JSON, in UTF-8."""
    fields = {
        "subproblem": entry.subproblem,
        "subroutine": entry.subroutine,
        "domain": entry.domain,
        "source": entry.source,
        "level": entry.level,
        "provenance": entry.provenance,
    }
    return (json.dumps(fields, ensure_ascii=False) + "\n").encode()


class NewFiles:
    """Files that get their names when all of them are complete, and are removed otherwise."""

    def __init__(self) -> None:
        self._open: list[tuple[IO[bytes], Path]] = []

    def open(self, path: Path) -> IO[bytes]:
        """A file to write to. UsageError: there is one of that name, or none can be."""
        if path.exists():
            raise UsageError(f"{path} exists.", "Remove it, or choose another name.")
        try:
            file = _part(path).open("wb")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
        self._open.append((file, path))
        return file

    def __enter__(self) -> NewFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            for file, path in self._open:
                file.close()
                if kind is None:
                    rename(_part(path), path)
        except OSError as failed:
            raise _full(failed) from None
        finally:
            for _, path in self._open:
                _part(path).unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise _full(error) from None


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _full(error: OSError) -> RmLocalError:
    message = f"Writing failed: {error.strerror}. What was written is removed."
    return RmLocalError(message, "Make room, or choose a place on another disk.")

"""The file that a worker's standard error goes to, also where the usual one cannot be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LIMIT = 4 * 2**20
"""Bytes; a log that is longer is emptied before the next worker starts."""


@dataclass(frozen=True, slots=True)
class WorkerLog:
    """An open log."""

    file: BinaryIO
    path: Path | None
    """None: what is written is lost."""
    since: int = 0
    """Where this worker's part begins."""
    temporary: bool = False

    def discard(self) -> None:
        """Delete a temporary file."""
        if self.temporary and self.path:
            with suppress(OSError):
                self.path.unlink()


def open_worker_log(path: Path | None, failed: Callable[[OSError], None]) -> WorkerLog:
    """Open the log to append to; a temporary file without a path or where that cannot be written.

    `failed` gets the reason. Raises nothing: without any file that can be written, what the worker
    logs is lost.
    """
    if path is not None:
        try:
            return _open(path)
        except OSError as error:
            failed(error)
    try:
        handle, name = tempfile.mkstemp(prefix="rm-local-worker-", suffix=".log")
    except OSError:
        return WorkerLog(open(os.devnull, "wb"), None)
    return WorkerLog(os.fdopen(handle, "wb"), Path(name), temporary=True)


def _open(path: Path) -> WorkerLog:
    path.parent.mkdir(parents=True, exist_ok=True)
    since = path.stat().st_size if path.exists() else 0
    since = 0 if since > LIMIT else since
    return WorkerLog(path.open("ab" if since else "wb"), path, since)

"""Opens the log file of a worker (its standard error), or a temporary file in its place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LIMIT = 4 * 2**20
"""Maximum bytes of a log; a longer one is emptied before the next worker starts."""


@dataclass(frozen=True, slots=True)
class WorkerLog:
    """The open log file of a worker process, to which its standard error is written."""

    file: BinaryIO
    path: Path | None
    """Path of the log; None = there is no file, and the worker's messages are lost."""
    since: int = 0
    """Position in the file, in bytes, at which the messages of this worker begin."""
    temporary: bool = False

    def delete_if_temporary(self) -> None:
        """Delete the worker's log if it is a temporary file."""
        if self.temporary and self.path:
            with suppress(OSError):
                self.path.unlink()


def open_worker_log_or_temporary(path: Path | None, failed: Callable[[OSError], None]) -> WorkerLog:
    """Open a worker's log file for appending.

    If `path` is None or cannot be written, a temporary file is opened in its place.

    `failed` is called with the error if `path` cannot be written. The function raises no error:
    if no temporary file can be written either, the worker's messages are lost.
    """
    if path is not None:
        try:
            return _open_log_emptied_if_long(path)
        except OSError as error:
            failed(error)
    try:
        handle, name = tempfile.mkstemp(prefix="rm-local-worker-", suffix=".log")
    except OSError:
        return WorkerLog(open(os.devnull, "wb"), None)
    return WorkerLog(os.fdopen(handle, "wb"), Path(name), temporary=True)


def _open_log_emptied_if_long(path: Path) -> WorkerLog:
    path.parent.mkdir(parents=True, exist_ok=True)
    since = path.stat().st_size if path.exists() else 0
    since = 0 if since > LIMIT else since
    return WorkerLog(path.open("ab" if since else "wb"), path, since)

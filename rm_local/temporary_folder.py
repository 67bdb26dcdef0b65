"""Folders for what a command keeps on disk only while it runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = "lock"


@contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder, removed with all that is in it when the body ends.

    It is made below `parent`, or, where there is none or it cannot be written to, in the system's
    folder for temporary files. What killed processes left below `parent` is removed first.
    """
    try:
        if parent is None:
            raise FileNotFoundError
        folder, lock = _make_folder(parent)
    except OSError:
        with tempfile.TemporaryDirectory(prefix="rm-local-") as name:
            yield Path(name)
        return
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder(parent: Path) -> tuple[Path, FileLock]:
    """A folder below `parent`, and its lock, which is held. OSError."""
    parent.mkdir(parents=True, exist_ok=True)
    # Under the lock of `parent`, so that no other process takes a new folder for an abandoned one.
    with FileLock(parent / _LOCK):
        _remove_abandoned(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        lock = FileLock(folder / _LOCK)
        lock.acquire()
    return folder, lock


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        if not folder.is_dir():
            continue
        with suppress(Timeout, OSError), FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)

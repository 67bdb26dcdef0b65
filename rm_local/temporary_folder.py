"""Makes temporary folders, and removes those that killed processes left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = "lock"


@contextmanager
def make_temporary_folder(parent: Path | None) -> Iterator[Path]:
    """Make a folder for the body of a `with` statement; it is removed with its content after it.

    The folder is below `parent`. If `parent` is None or not writable, it is in the system's folder
    for temporary files. All folders below `parent` that no process has locked are removed first,
    as those of killed processes: keep nothing else there.
    """
    try:
        if parent is None:
            raise FileNotFoundError
        folder, lock = _remove_abandoned_and_make_locked_folder(parent)
    except OSError:
        with tempfile.TemporaryDirectory(prefix="rm-local-") as name:
            yield Path(name)
        return
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned_and_make_locked_folder(parent: Path) -> tuple[Path, FileLock]:
    """Make and lock a folder below `parent`, and remove abandoned ones; return it and the lock.

    Raises:
        OSError: The folder cannot be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    # Under the lock of `parent`, so that no other process takes a new folder for an abandoned one.
    with FileLock(parent / _LOCK):
        _remove_abandoned_folders(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        lock = FileLock(folder / _LOCK)
        lock.acquire()
    return folder, lock


def _remove_abandoned_folders(parent: Path) -> None:
    """Remove the folders below `parent` that no process has locked."""
    for folder in parent.iterdir():
        if not folder.is_dir():
            continue
        with suppress(Timeout, OSError), FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)

"""Atomic writes: a file appears under its name complete or not at all.

The unfinished file is `NAME.XXXXXXXX.part`, in the folder of `NAME`. Its writer holds a lock on it,
so that the next write of `NAME` removes only the files of killed writers. (Windows has no such
lock; there the files stay.)
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl


@contextmanager
def write_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file for writing; it replaces `path` when the `with` body ends.

    Before that it is synced to the disk. If the body raises an error, `path` does not change.

    The temporary file is removed after an error. A symbolic link is followed, and the permissions
    of an existing file are kept. Of several writers at the same time the last to finish wins.

    Raises:
        OSError: The file cannot be written.
    """
    path = Path(os.path.realpath(path))
    with create_part_file_to_be_renamed(path) as part:
        with part.open("r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            part.chmod(path.stat().st_mode & 0o7777)
        rename_and_sync_parent(part, path)


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write `data` to the file `path`, which keeps its old content if the write fails.

    As for `write_atomically`: the new content appears at once, synced to the disk.
    """
    with write_atomically(path) as file:
        file.write(data)


@contextmanager
def create_part_file_to_be_renamed(path: Path) -> Iterator[Path]:
    """Create an empty file next to `path` for the body, which has to write and rename it.

    A file that the body has not renamed is removed after the body. Use it for a library that
    writes to a path, or for a final name that depends on the content.

    Raises:
        OSError: The file cannot be created.
    """
    _remove_abandoned_parts(path)
    part, lock = _create_locked_part_file(path)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)


def rename_and_sync_parent(source: Path, target: Path) -> None:
    """Rename the file or folder `source` to `target`, and wait until the name is on the disk."""
    os.replace(source, target)
    sync_dir(target.parent)


def sync_file(path: Path) -> None:
    """Wait until the content of the file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_dir(folder: Path) -> None:
    """Wait until the names of the files in `folder` are on the disk; does nothing on Windows."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _create_locked_part_file(path: Path) -> tuple[Path, int | None]:
    """Create and lock an empty file `NAME.XXXXXXXX.part` next to `path`.

    Return its path and the open descriptor that keeps it locked; None on Windows, without a lock.
    """
    while True:
        part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if sys.platform == "win32":
            os.close(handle)  # Windows cannot rename an open file
            return part, None
        with suppress(OSError):  # a network disk without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if part.exists():
            return part, handle
        # Another writer removed it before it was locked.
        os.close(handle)


def _remove_abandoned_parts(path: Path) -> None:
    """Remove the `.part` files of `path` that killed processes left: those without a lock."""
    if sys.platform == "win32":
        return
    is_part = re.compile(re.escape(path.name) + r"\.[0-9a-f]{8}\.part").fullmatch
    with os.scandir(path.parent) as entries:
        parts = [entry.path for entry in entries if is_part(entry.name)]
    for part in parts:
        with suppress(OSError), open(part, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(part)

"""How a store's commits reach the disk: through a write-ahead log while it is written to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.disk_space import free_bytes
from rm_local.errors import StoreError
from rm_local.store.format import PAGE_SIZE

if TYPE_CHECKING:
    import apsw

MIN_FREE_BYTES = 16 << 20
"""Bytes that have to be free for a log: a store that has one cannot even be read where there is no
room for the index of the log."""

LOG_BYTES = 1000 * (PAGE_SIZE + 24)
"""A log of so many pages is put into the store, and begun anew, by SQLite itself."""

LOGS = ("-journal", "-wal", "-shm")
"""What SQLite may leave beside a file whose writer was killed."""


def enable_wal(connection: apsw.Connection, path: Path) -> None:
    """From now on a commit is one append and one sync, and keeps no reader out.

    The store is one file again after `one_file`. Where the file system cannot do it, or has too
    little room, or a reader is in the way, or the file has lost its name, commits go through the
    rollback journal as before: slower, and as safe.
    """
    import apsw

    if free_bytes(path.parent) < MIN_FREE_BYTES:
        return
    with suppress(
        apsw.BusyError, apsw.LockedError, apsw.CantOpenError, apsw.IOError, apsw.ReadOnlyError
    ):
        connection.execute("PRAGMA journal_mode=WAL")
        _extend_log(connection, path.with_name(path.name + "-wal"))


def _extend_log(connection: apsw.Connection, log: Path) -> None:
    """Give an empty log its full length: a commit that makes it longer takes the file system half
    as long again.

    Zeros are no frames to SQLite. The write lock is held, so that nobody's frames are overwritten.
    """
    if _has_content(log):
        return
    # This also makes the log, if it is not there yet.
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _has_content(log):
            with suppress(OSError), log.open("rb+") as file:
                file.write(bytes(LOG_BYTES))
                file.flush()
                os.fsync(file.fileno())
    finally:
        connection.execute("ROLLBACK")


def _has_content(log: Path) -> bool:
    return log.exists() and log.stat().st_size > 0


def leave_wal(connection: apsw.Connection) -> bool:
    """Put the log into the store; False, and the log stays, where others have the store open or
    the disk is full.

    Then the last of them to close it puts it there, or who opens it next.
    """
    import apsw

    try:
        return bool(connection.execute("PRAGMA journal_mode=DELETE").get == "delete")
    except (
        apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError
    ):  # fmt: skip
        return False


def uses_wal(connection: apsw.Connection) -> bool:
    """Whether the store's commits go to a log."""
    return bool(connection.execute("PRAGMA journal_mode").get == "wal")


def require_single_file(connection: apsw.Connection, path: Path) -> None:
    """`one_file`, for those who are about to put another store in its place. StoreError: others
    have it open, and their log would be taken for the new one's.
    """
    if not leave_wal(connection):
        raise StoreError(
            f"Another program has the store {path} open, which was written to meanwhile; nothing "
            "was changed.",
            "Close the other program, then try again.",
        )


def remove_leftovers(path: Path) -> None:
    """Remove what a store that was at `path`, and is gone, has left beside it."""
    for log in LOGS:
        path.with_name(path.name + log).unlink(missing_ok=True)

"""Write-ahead log of a store, in use while the store is written to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.disk_space import count_free_bytes
from rm_local.errors import StoreError
from rm_local.store.format import PAGE_SIZE

if TYPE_CHECKING:
    import apsw

MIN_FREE_BYTES = 16 << 20
"""Free bytes required for a log: a store with a log cannot even be read if the disk has no space
for the log's index."""

LOG_BYTES = 1000 * (PAGE_SIZE + 24)
"""At this size SQLite copies the log into the store and starts it again."""

LOGS = ("-journal", "-wal", "-shm")
"""Files that SQLite can leave next to a store whose writer was killed."""


def enable_wal(connection: apsw.Connection, path: Path) -> None:
    """Use a write-ahead log: a commit is one append and one sync, and does not block readers.

    `leave_wal` makes the store one file again. The slower rollback journal, which is as safe, stays
    in use if the file system does not support a log or has too little space, a reader blocks the
    change, or the file was replaced or removed.
    """
    import apsw

    if count_free_bytes(path.parent) < MIN_FREE_BYTES:
        return
    with suppress(
        apsw.BusyError, apsw.LockedError, apsw.CantOpenError, apsw.IOError, apsw.ReadOnlyError
    ):
        connection.execute("PRAGMA journal_mode=WAL")
        _extend_log(connection, path.with_name(path.name + "-wal"))


def _extend_log(connection: apsw.Connection, log: Path) -> None:
    """Extend an empty log to its full length; a commit that extends it takes half as long again.

    SQLite ignores zeros. The write lock is held, so that no other writer's frames are overwritten.
    """
    if _has_content(log):
        return
    # This also creates a missing log.
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
    """Copy the log into the store and remove it; False if the store is open elsewhere or the disk
    is full.

    In that case the last program to close the store, or the next to open it, does so.
    """
    import apsw

    try:
        return bool(connection.execute("PRAGMA journal_mode=DELETE").get == "delete")
    except (
        apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError
    ):  # fmt: skip
        return False


def uses_wal(connection: apsw.Connection) -> bool:
    """Return whether the store uses a write-ahead log."""
    return bool(connection.execute("PRAGMA journal_mode").get == "wal")


def require_single_file(connection: apsw.Connection, path: Path) -> None:
    """Leave the write-ahead log before another store replaces this one.

    Raises:
        StoreError: another program has the store open; its log would be applied to the new store.
    """
    if not leave_wal(connection):
        raise StoreError(
            f"Another program has opened the store {path}, which has unmerged changes; nothing "
            "was changed.",
            "Close the other program, then try again.",
        )


def remove_leftovers(path: Path) -> None:
    """Remove the logs of a store that no longer exists at `path`."""
    for log in LOGS:
        path.with_name(path.name + log).unlink(missing_ok=True)

"""Switches a store to a write-ahead log for writing, and back to a single file."""

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
"""Minimum free bytes on the disk for using a write-ahead log: a store with a log cannot even be
read if the disk has no space for the log's index."""

LOG_BYTES = 1000 * (PAGE_SIZE + 24)
"""Size in bytes at which SQLite copies the write-ahead log into the store and overwrites it."""

LOGS = ("-journal", "-wal", "-shm")
"""Suffixes of files that SQLite can leave next to a store after its writer was killed."""


def enable_wal_if_possible(connection: apsw.Connection, path: Path) -> None:
    """Switch the store to a write-ahead log if possible.

    A commit is then one append and one sync, and does not block readers; `leave_wal_if_possible`
    makes the store one file again. The slower rollback journal, which is as safe, stays in use if
    the file system does not support a log or has too little space, a reader blocks the change, or
    the file was replaced or removed.
    """
    import apsw

    if count_free_bytes(path.parent) < MIN_FREE_BYTES:
        return
    with suppress(
        apsw.BusyError, apsw.LockedError, apsw.CantOpenError, apsw.IOError, apsw.ReadOnlyError
    ):
        connection.execute("PRAGMA journal_mode=WAL")
        _fill_empty_log_with_zeros(connection, path.with_name(path.name + "-wal"))


def _fill_empty_log_with_zeros(connection: apsw.Connection, log: Path) -> None:
    """Fill an empty log file with LOG_BYTES zeros, because a commit that extends it is slower.

    SQLite ignores zeros. The write lock is held, so that no writer's commit is overwritten.
    """
    if _has_log_content(log):
        return
    # This also creates a missing log.
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _has_log_content(log):
            with suppress(OSError), log.open("rb+") as file:
                file.write(bytes(LOG_BYTES))
                file.flush()
                os.fsync(file.fileno())
    finally:
        connection.execute("ROLLBACK")


def _has_log_content(log: Path) -> bool:
    return log.exists() and log.stat().st_size > 0


def leave_wal_if_possible(connection: apsw.Connection) -> bool:
    """Copy the write-ahead log into the store and remove it; return whether this succeeded.

    It fails if the store is open elsewhere or the disk is full. Then the last program that closes
    the store, or the next that opens it, does both.
    """
    import apsw

    try:
        return bool(connection.execute("PRAGMA journal_mode=DELETE").get == "delete")
    except (
        apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError
    ):  # fmt: skip
        return False


def uses_wal(connection: apsw.Connection) -> bool:
    """Return whether the store that `connection` has open uses a write-ahead log."""
    return bool(connection.execute("PRAGMA journal_mode").get == "wal")


def leave_wal_or_raise(connection: apsw.Connection, path: Path) -> None:
    """Copy the write-ahead log into the store and remove it, before the file is replaced.

    Raises:
        StoreError: Another program has the store open. Its log would be applied to the new file.
    """
    if not leave_wal_if_possible(connection):
        raise StoreError(
            f"Another program has opened the store {path}, which has unmerged changes; nothing "
            "was changed.",
            "Close the other program, then try again.",
        )


def remove_leftover_logs(path: Path) -> None:
    """Remove journal and log files of an earlier store at `path`, which no longer exists."""
    for log in LOGS:
        path.with_name(path.name + log).unlink(missing_ok=True)

"""Opens the store's SQLite file, and translates SQLite errors into store errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rm_local.disk_space import count_free_bytes
from rm_local.errors import ReadOnlyStoreError, StoreError
from rm_local.paths import is_shipped_store
from rm_local.store.format import PAGE_SIZE, DamagedError
from rm_local.store.sqlite.libraries import load_and_configure_apsw, load_sqlite_vec
from rm_local.store.sqlite.open_checks import (
    check_no_leftover_journal_or_wal,
    describe_truncation_or_damage,
    is_store_writable,
    make_damaged_error,
    make_shipped_store_error,
)

if TYPE_CHECKING:
    import apsw

Mode = Literal["create", "write", "read", "rescue"]

BUSY_MS = 5000
CACHE_KIB = 12288


@contextmanager
def open_connection_close_on_error(path: Path, mode: Mode) -> Iterator[apsw.Connection]:
    """Open the SQLite file `path` with sqlite-vec loaded; close it only if the body raises.

    If file or folder is not writable, it is opened as immutable, without a file next to it, and
    only for reading. Otherwise SQLite first undoes an interrupted write of another process.
    `create` makes a missing file; `read` forbids writing; `rescue` also opens a truncated file.
    """
    connection = _open_file(path, mode)
    try:
        connection.set_busy_timeout(BUSY_MS)
        if mode == "rescue":
            # SQLite opens a truncated file only with a writable schema.
            connection.execute("PRAGMA writable_schema=1")
        load_sqlite_vec(connection)
        connection.execute("PRAGMA trusted_schema=0; PRAGMA cell_size_check=1")
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}; PRAGMA cache_size=-{CACHE_KIB}")
        if mode == "read":
            connection.execute("PRAGMA query_only=1")
        yield connection
    except BaseException:
        connection.close()
        raise


@contextmanager
def open_in_memory_database() -> Iterator[apsw.Connection]:
    """Open an empty SQLite database in memory with sqlite-vec loaded; close it after the body."""
    import apsw

    connection = apsw.Connection(":memory:")
    try:
        load_sqlite_vec(connection)
        yield connection
    finally:
        connection.close()


def _open_file(path: Path, mode: Mode) -> apsw.Connection:
    """Open a connection; a file or folder that is not writable is opened as immutable."""
    import apsw

    name, flags = path.absolute().as_uri(), apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE
    if mode == "create":
        flags |= apsw.SQLITE_OPEN_CREATE
    elif not is_store_writable(path):
        check_no_leftover_journal_or_wal(path)
        name += "?immutable=1"
        flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READONLY
    return apsw.Connection(name, flags=flags)


@contextmanager
def translate_sqlite_errors(path: Path) -> Iterator[None]:
    """Translate SQLite errors of the body into CorruptStoreError, ReadOnlyStoreError or StoreError.

    `path` is the store that the body reads or writes. DamagedError becomes CorruptStoreError.
    """
    load_and_configure_apsw()
    import apsw

    try:
        yield
    except apsw.ConnectionClosedError:
        raise
    except apsw.ReadOnlyError as error:
        raise make_read_only_error(path) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreError(
            f"Another program is writing to the store {path}.", "Wait until it is done."
        ) from error
    except apsw.FullError as error:
        raise _make_disk_full_error(path) from error
    except apsw.SQLError as error:
        # sqlite-vec raises the same error whatever prevents a write.
        if "insert" in str(error) and _is_disk_nearly_full(path):
            raise _make_disk_full_error(path) from error
        raise make_damaged_error(
            path, f"{describe_truncation_or_damage(path)} ({error})"
        ) from error
    except (apsw.CantOpenError, apsw.IOError, apsw.PermissionsError, apsw.AuthError) as error:
        if isinstance(error, apsw.IOError) and _is_disk_nearly_full(path):
            raise _make_disk_full_error(path) from error
        raise StoreError(f"The store {path} cannot be read or written: {error}.") from error
    except (apsw.Error, DamagedError, UnicodeDecodeError) as error:
        raise make_damaged_error(
            path, f"{describe_truncation_or_damage(path)} ({error})"
        ) from error


def _is_disk_nearly_full(path: Path) -> bool:
    """Return whether the disk of `path` has less free space than SQLite's page cache takes."""
    return count_free_bytes(path.parent) < CACHE_KIB * 1024


def _make_disk_full_error(path: Path) -> StoreError:
    return StoreError(
        f"The disk of {path} is full; nothing was changed.", "Free some space and try again."
    )


def make_read_only_error(path: Path) -> ReadOnlyStoreError:
    """Return the error to raise for a write to a store that is not writable."""
    if is_shipped_store(path):
        return make_shipped_store_error(path)
    return ReadOnlyStoreError(
        f"The store {path} cannot be written to.",
        "Copy it to a folder of yours and open the copy, or make a new store there.",
    )

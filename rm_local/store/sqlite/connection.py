"""Opening the store's SQLite file, and turning SQLite's errors into the store's."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from rm_local.disk_space import free_bytes
from rm_local.errors import StoreError, StoreInvalid, StoreMissing, StoreReadOnly, StoreVersion
from rm_local.store.format import APPLICATION_ID, PAGE_SIZE, VERSION, DamagedError

if TYPE_CHECKING:
    import apsw

Mode = Literal["create", "write", "read", "rescue"]

BUSY_MS = 5000
CACHE_KIB = 12288
_LOADING = Lock()
REBUILD = "Make it again (python -m models.seed.build for the seed store) or take another copy."


@contextmanager
def open_connection(path: Path, mode: Mode) -> Iterator[apsw.Connection]:
    """A connection with sqlite-vec loaded; closed if the body raises, left open otherwise.

    `read` never creates a file beside the store: where nothing can be written it is opened as
    immutable, elsewhere so that a write which another process left half done is undone first.
    `rescue` also opens a file that is cut short, for reading what is left of it.
    """
    connection = _connection(path, mode)
    try:
        connection.set_busy_timeout(BUSY_MS)
        if mode == "rescue":
            # SQLite forgives a file that is cut short to those who mend its schema alone.
            connection.execute("PRAGMA writable_schema=1")
        _load_vectors(connection)
        connection.execute("PRAGMA trusted_schema=0; PRAGMA cell_size_check=1")
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}; PRAGMA cache_size=-{CACHE_KIB}")
        if mode == "read":
            connection.execute("PRAGMA query_only=1")
        yield connection
    except BaseException:
        connection.close()
        raise


@contextmanager
def in_memory() -> Iterator[apsw.Connection]:
    """A connection to an empty database of its own, with sqlite-vec loaded; closed afterwards."""
    import apsw

    connection = apsw.Connection(":memory:")
    try:
        _load_vectors(connection)
        yield connection
    finally:
        connection.close()


def _connection(path: Path, mode: Mode) -> apsw.Connection:
    import apsw

    name, flags = path.absolute().as_uri(), apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE
    if mode == "create":
        flags |= apsw.SQLITE_OPEN_CREATE
    elif not is_writable(path):
        _refuse_hot_log(path)
        name += "?immutable=1"
        flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READONLY
    return apsw.Connection(name, flags=flags)


def load_apsw() -> None:
    """Import apsw, which is set up when this is the first to do so. StoreError: it cannot be.

    SQLite counts what it allocates under one lock, in which two readers meet all the time. Nobody
    asks for the count, and it can be turned off only before the process has a connection.
    """
    with _LOADING:
        first = "apsw" not in sys.modules
        try:
            apsw = import_module("apsw")
        except ImportError as error:
            raise StoreError(
                f"The store needs apsw, which cannot be loaded: {error}.",
                "Install it: python -m pip install --force-reinstall apsw",
            ) from error
        if first:
            apsw.shutdown()
            apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
            apsw.initialize()


def _load_vectors(connection: apsw.Connection) -> None:
    import apsw

    try:
        library = import_module("sqlite_vec").loadable_path()
        connection.enable_load_extension(True)
        connection.load_extension(library)
        connection.enable_load_extension(False)
    except (ImportError, apsw.Error) as error:
        raise StoreError(
            f"The store needs sqlite-vec, which cannot be loaded: {error}.",
            "Install it: python -m pip install --force-reinstall sqlite-vec",
        ) from error


def is_writable(path: Path) -> bool:
    """Whether the store and its folder, which holds the journal, can be written to.

    What has no write bit at all counts as read-only for the superuser too.
    """
    any_write = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return all(
        os.access(each, os.W_OK) and bool(each.stat().st_mode & any_write)
        for each in (path, path.absolute().parent)
    )


def _refuse_hot_log(path: Path) -> None:
    logs = [path.with_name(path.name + kind) for kind in ("-journal", "-wal")]
    if any(log.exists() and log.stat().st_size for log in logs):
        raise StoreReadOnly(
            f"A write to the store {path} was interrupted, and it cannot be undone where nothing "
            "can be written.",
            "Open the store once where its folder can be written to.",
        )


def check_header(path: Path) -> None:
    """Look at the first 100 bytes before SQLite does, so that a foreign file is not touched.

    StoreMissing, StoreInvalid, StoreVersion, or StoreError when it cannot be read.
    """
    header = _header(path)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise StoreInvalid(f"{path} is not a store.", "Choose a .rms file, or make a store.")
    (version,) = struct.unpack_from(">I", header, 60)
    (application,) = struct.unpack_from(">I", header, 68)
    if application != APPLICATION_ID:
        raise StoreInvalid(
            f"{path} is an SQLite file but not a store.", "Choose a .rms file, or make a store."
        )
    if version != VERSION:
        remedy = "Update rm-local." if version > VERSION else REBUILD
        raise StoreVersion(
            f"The store {path} has format {version}; this rm-local reads format {VERSION}.", remedy
        )


def _header(path: Path) -> bytes:
    load_apsw()
    import apsw

    if path.is_dir():
        raise StoreInvalid(f"{path} is a folder, not a store.", "Choose a .rms file.")
    if not path.exists():
        raise StoreMissing(f"There is no store at {path}.", "Check the path, or make one.")
    flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READONLY
    try:
        connection = apsw.Connection(path.absolute().as_uri() + "?immutable=1", flags=flags)
        try:
            # apsw does not read nothing.
            size = path.stat().st_size
            return first_bytes(connection, min(100, size)) if size else b""
        finally:
            connection.close()
    except (apsw.Error, OSError) as error:
        raise StoreError(f"The store {path} cannot be read: {error}.") from error


def first_bytes(connection: apsw.Connection, count: int) -> bytes:
    """The first bytes of the file itself, whatever is in a log beside it.

    Not with `open`: closing the file would drop every lock that this process has on it.
    """
    return connection.read("main", 0, 0, count)[1]


def check_size(connection: apsw.Connection, path: Path) -> None:
    """Compare the file's length with the pages it says it has. StoreInvalid: it is cut short."""
    with connection:
        # Reading anything undoes an interrupted write; pages beyond the header's may be in a log.
        connection.execute("PRAGMA page_count").fetchall()
        whole, size = _whole_size(first_bytes(connection, 32)), path.stat().st_size
    if size < whole:
        raise StoreInvalid(_cut_short(path, whole), REBUILD)


def refuse_moved(connection: apsw.Connection) -> None:
    """StoreError: the connection's file has lost its name, so that nobody would read a write."""
    import apsw

    moved = ctypes.c_int(0)
    connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(moved))
    if moved:
        raise StoreError(
            f"The store {connection.filename} was replaced or removed since it was opened; "
            "nothing was written.",
            "Open it again.",
        )


def _cut_short(path: Path, whole: int) -> str:
    return f"The store {path} is cut short: {path.stat().st_size:,} of {whole:,} bytes."


def _whole_size(header: bytes) -> int:
    """Bytes that the file says it has; 0 where even that is cut off."""
    return int(struct.unpack_from(">I", header, 28)[0]) * PAGE_SIZE if len(header) == 32 else 0


def _damage(path: Path) -> str:
    whole = _whole_size(_header(path)[:32])
    if path.stat().st_size < whole:
        return _cut_short(path, whole)
    return f"The store {path} is damaged."


@contextmanager
def guard(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into StoreInvalid, StoreReadOnly or StoreError with a remedy."""
    load_apsw()
    import apsw

    try:
        yield
    except apsw.ConnectionClosedError:
        raise
    except apsw.ReadOnlyError as error:
        raise read_only(path) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreError(
            f"Another program is writing to the store {path}.", "Wait until it is done."
        ) from error
    except apsw.FullError as error:
        raise _full(path) from error
    except apsw.SQLError as error:
        # sqlite-vec has one error for all that keeps it from writing.
        if "insert" in str(error) and _is_full(path):
            raise _full(path) from error
        raise StoreInvalid(f"{_damage(path)} ({error})", REBUILD) from error
    except (apsw.CantOpenError, apsw.IOError, apsw.PermissionsError, apsw.AuthError) as error:
        if isinstance(error, apsw.IOError) and _is_full(path):
            raise _full(path) from error
        raise StoreError(f"The store {path} cannot be read or written: {error}.") from error
    except (apsw.Error, DamagedError, UnicodeDecodeError) as error:
        raise StoreInvalid(f"{_damage(path)} ({error})", REBUILD) from error


def _is_full(path: Path) -> bool:
    return free_bytes(path.parent) < CACHE_KIB * 1024


def _full(path: Path) -> StoreError:
    return StoreError(
        f"There is no room on the disk of {path}; nothing was changed.", "Make room and try again."
    )


def read_only(path: Path) -> StoreReadOnly:
    """The error for a write where nothing can be written."""
    return StoreReadOnly(
        f"The store {path} cannot be written to.",
        "Copy it to a folder of yours and open the copy, or make a new store there.",
    )

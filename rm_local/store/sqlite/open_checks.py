"""Checks of a store's file before its use: missing, foreign, other format, truncated, read-only."""

from __future__ import annotations

import ctypes
import os
import shlex
import stat
import struct
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.errors import (
    CorruptStoreError,
    ReadOnlyStoreError,
    StoreError,
    StoreNotFoundError,
    StoreVersionError,
)
from rm_local.file_kinds import FILE, describe_existing_path_type
from rm_local.paths import is_shipped_store
from rm_local.store.format import APPLICATION_ID, PAGE_SIZE, VERSION
from rm_local.store.sqlite.libraries import load_and_configure_apsw

if TYPE_CHECKING:
    import apsw

REBUILD = "Build it again (python -m models.seed.build for the seed store) or use another copy."
"""Remedy for a store of an older format."""


def make_damaged_error(path: Path, damage: str) -> CorruptStoreError:
    """Create the error of a damaged store, with its remedy."""
    return CorruptStoreError(damage, format_repair_remedy(path))


def format_repair_remedy(path: Path) -> str:
    """Return what to do about a damaged store: the shipped one cannot be repaired in its place."""
    if is_shipped_store(path):
        return "Reinstall rm-local to get the shipped store again."
    return (
        "Take back what can be read of it: rm-local store verify --repair --store "
        f"{shlex.quote(str(path))}. Or use another copy."
    )


def _make_foreign_error(path: Path, fact: str) -> CorruptStoreError:
    """Create the error of a file that is not a store, with its remedy."""
    if is_shipped_store(path):
        return make_damaged_error(path, fact)
    return CorruptStoreError(fact, "Choose a .rms file, or make a store.")


def make_shipped_store_error(path: Path) -> ReadOnlyStoreError:
    """Create the error of a change of the shipped store at `path`."""
    return ReadOnlyStoreError(
        f"The store {path} comes with rm-local and is read-only.",
        "Leave out --store to change your own store, which is searched together with it.",
    )


PRESENT = {
    "code_chunks": (
        "chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,size INTEGER NOT NULL,sequence_id integer,"
        "partition00,validity BLOB NOT NULL, rowids BLOB NOT NULL"
    ),
    "code_rowids": (
        "rowid INTEGER PRIMARY KEY AUTOINCREMENT,id,chunk_id INTEGER,chunk_offset INTEGER"
    ),
    "code_vector_chunks00": "rowid PRIMARY KEY,vectors BLOB NOT NULL",
    "code_metadatachunks00": "rowid PRIMARY KEY, data BLOB NOT NULL",
    "code_info": "key text primary key, value any",
}
"""Column declarations, in SQL, of each shadow table of `code`, which sqlite-vec creates."""

LAYOUTS = {("v0.1.9", "v0.1.10-alpha.4"): PRESENT}
"""Shadow tables that rm-local can read and write, by the versions of sqlite-vec that make them."""


def check_vec0_layout(connection: apsw.Connection, path: Path) -> None:
    """Check that the columns of sqlite-vec's shadow tables are one of LAYOUTS.

    Raises:
        StoreVersionError: They are not, so this version of rm-local cannot read the store.
    """
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name GLOB 'code_*'"
    )
    columns = {name: sql.partition("(")[2].removesuffix(")").strip() for name, sql in found}
    if columns not in LAYOUTS.values():
        works = " or ".join(version.removeprefix("v") for version in chain(*LAYOUTS))
        raise StoreVersionError(
            f"The store {path} has vector tables of a layout that this rm-local does not know.",
            f"Build it again with sqlite-vec {works}.",
        )


def is_store_writable(path: Path) -> bool:
    """Return whether the store's file and its folder (for the journal) can be written to.

    False without a file. A file or folder without any write permission counts as read-only even
    for the superuser, and the shipped store always does.
    """
    if is_shipped_store(path):
        return False
    any_write = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return all(
        os.access(each, os.W_OK) and bool(each.stat().st_mode & any_write)
        for each in (path, path.absolute().parent)
    )


def check_no_leftover_journal_or_wal(path: Path) -> None:
    """Check that no interrupted write left a journal or log next to a store that is read-only.

    Raises:
        ReadOnlyStoreError: One did, and it cannot be undone here.
    """
    logs = [path.with_name(path.name + kind) for kind in ("-journal", "-wal")]
    if any(log.exists() and log.stat().st_size for log in logs):
        raise ReadOnlyStoreError(
            f"A write to the store {path} was interrupted, and cannot be undone in a read-only "
            "folder.",
            "Open the store once in a writable folder.",
        )


def check_header(path: Path) -> None:
    """Check that `path` is a store of this format version, by the first 100 bytes of the file.

    SQLite opens the file for writing only after this, so that foreign files stay untouched.

    Raises:
        StoreNotFoundError: The file does not exist.
        CorruptStoreError: The file is not a store.
        StoreVersionError: The file has another format version.
        StoreError: The file cannot be read.
    """
    header = _read_file_header(path)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise _make_foreign_error(path, f"{path} is not a store.")
    (version,) = struct.unpack_from(">I", header, 60)
    (application,) = struct.unpack_from(">I", header, 68)
    if application != APPLICATION_ID:
        raise _make_foreign_error(path, f"{path} is an SQLite file but not a store.")
    if version != VERSION:
        remedy = "Update rm-local." if version > VERSION else REBUILD
        raise StoreVersionError(
            f"The store {path} has format {version}; this rm-local reads format {VERSION}.", remedy
        )


def _read_file_header(path: Path) -> bytes:
    """Return the first 100 bytes of the file, or all of a shorter one.

    Raises:
        StoreNotFoundError: The file does not exist.
        CorruptStoreError: It is a folder.
        StoreError: It cannot be read.
    """
    load_and_configure_apsw()
    import apsw

    try:
        kind = describe_existing_path_type(path)
    except (FileNotFoundError, NotADirectoryError):
        raise StoreNotFoundError(
            f"There is no store at {path}.", "Check the path, or make one."
        ) from None
    except OSError as error:
        raise StoreError(
            f"The store {path} cannot be read: {error.strerror}.", "Check the path."
        ) from None
    if kind != FILE:
        raise CorruptStoreError(f"{path} is {kind}, not a store.", "Choose a .rms file.")
    flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READONLY
    try:
        connection = apsw.Connection(path.absolute().as_uri() + "?immutable=1", flags=flags)
        try:
            # apsw cannot read 0 bytes.
            size = path.stat().st_size
            return read_first_bytes(connection, min(100, size)) if size else b""
        finally:
            connection.close()
    except (apsw.Error, OSError) as error:
        raise StoreError(
            f"The store {path} cannot be read: {error}.", "Check its permissions and its disk."
        ) from error


def read_first_bytes(connection: apsw.Connection, count: int) -> bytes:
    """Return the first `count` bytes of the database file itself, without its write-ahead log.

    `open` is not used: closing the file would drop every lock that this process has on it.
    """
    return connection.read("main", 0, 0, count)[1]


def check_file_not_truncated(connection: apsw.Connection, path: Path) -> None:
    """Check that the file is at least as long as the page count in its header says.

    Raises:
        CorruptStoreError: The file is truncated.
    """
    with connection:
        # Any read undoes an interrupted write; pages beyond the header's count can be in a log.
        connection.execute("PRAGMA page_count").fetchall()
        whole, size = (
            _parse_declared_file_size_or_zero(read_first_bytes(connection, 32)),
            path.stat().st_size,
        )
    if size < whole:
        raise make_damaged_error(path, _describe_truncation(path, whole))


def check_file_not_replaced(connection: apsw.Connection) -> None:
    """Check that the path still leads to the file opened by the connection.

    If it does not, writes would be lost.

    Raises:
        StoreError: The file was replaced or removed.
    """
    import apsw

    moved = ctypes.c_int(0)
    connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(moved))
    if moved:
        raise StoreError(
            f"The store {connection.filename} was replaced or removed since it was opened; "
            "nothing was written.",
            "Open it again.",
        )


def _describe_truncation(path: Path, whole: int) -> str:
    return f"The store {path} is truncated: {path.stat().st_size:,} of {whole:,} bytes."


def _parse_declared_file_size_or_zero(header: bytes) -> int:
    """Return the file size in bytes by the header's first 32 bytes; 0 if these are incomplete."""
    return int(struct.unpack_from(">I", header, 28)[0]) * PAGE_SIZE if len(header) == 32 else 0


def describe_truncation_or_damage(path: Path) -> str:
    """Return what is wrong with a store that SQLite could not read: truncated, or else damaged."""
    whole = _parse_declared_file_size_or_zero(_read_file_header(path)[:32])
    if path.stat().st_size < whole:
        return _describe_truncation(path, whole)
    return f"The store {path} is damaged."

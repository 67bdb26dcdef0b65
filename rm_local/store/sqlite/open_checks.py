"""Checks of a file before its use: missing, foreign, other format, truncated, read-only."""

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
from rm_local.store.format import APPLICATION_ID, PAGE_SIZE, VERSION
from rm_local.store.sqlite.libraries import load_apsw

if TYPE_CHECKING:
    import apsw

REBUILD = "Build it again (python -m models.seed.build for the seed store) or use another copy."
"""Remedy for a store of an older format."""


def make_damaged_error(path: Path, damage: str) -> CorruptStoreError:
    """Create the error of a damaged store, whose remedy gives back what can be read of it."""
    return CorruptStoreError(
        damage,
        "Take back what can be read of it: rm-local store verify --repair --store "
        f"{shlex.quote(str(path))}. Or use another copy.",
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
"""Columns of each shadow table."""

LAYOUTS = {("v0.1.9", "v0.1.10-alpha.4"): PRESENT}
"""Known versions of sqlite-vec, and their columns in the file."""


def check_vec0_layout(connection: apsw.Connection, path: Path) -> None:
    """Check the layout of sqlite-vec's shadow tables.

    Raises:
        StoreVersionError: The layout is unknown to this version of rm-local.
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


def is_writable(path: Path) -> bool:
    """Return whether the store and its folder (for the journal) can be written to.

    A path without any write permission counts as read-only for the superuser, too.
    """
    any_write = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return all(
        os.access(each, os.W_OK) and bool(each.stat().st_mode & any_write)
        for each in (path, path.absolute().parent)
    )


def check_no_hot_journal(path: Path) -> None:
    """Check that a read-only store has no hot journal or log (of an interrupted write).

    Raises:
        ReadOnlyStoreError: A write was interrupted, and cannot be undone here.
    """
    logs = [path.with_name(path.name + kind) for kind in ("-journal", "-wal")]
    if any(log.exists() and log.stat().st_size for log in logs):
        raise ReadOnlyStoreError(
            f"A write to the store {path} was interrupted, and cannot be undone in a read-only "
            "folder.",
            "Open the store once in a writable folder.",
        )


def check_header(path: Path) -> None:
    """Check the first 100 bytes before SQLite opens the file, to leave foreign files untouched.

    Raises:
        StoreNotFoundError: The file does not exist.
        CorruptStoreError: The file is not a store.
        StoreVersionError: The file has another format version.
        StoreError: The file cannot be read.
    """
    header = _read_file_header(path)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise CorruptStoreError(f"{path} is not a store.", "Choose a .rms file, or make a store.")
    (version,) = struct.unpack_from(">I", header, 60)
    (application,) = struct.unpack_from(">I", header, 68)
    if application != APPLICATION_ID:
        raise CorruptStoreError(
            f"{path} is an SQLite file but not a store.", "Choose a .rms file, or make a store."
        )
    if version != VERSION:
        remedy = "Update rm-local." if version > VERSION else REBUILD
        raise StoreVersionError(
            f"The store {path} has format {version}; this rm-local reads format {VERSION}.", remedy
        )


def _read_file_header(path: Path) -> bytes:
    load_apsw()
    import apsw

    if path.is_dir():
        raise CorruptStoreError(f"{path} is a folder, not a store.", "Choose a .rms file.")
    if not path.exists():
        raise StoreNotFoundError(f"There is no store at {path}.", "Check the path, or make one.")
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
        raise StoreError(f"The store {path} cannot be read: {error}.") from error


def read_first_bytes(connection: apsw.Connection, count: int) -> bytes:
    """Read the first bytes of the file itself, without its write-ahead log.

    `open` is not used: closing the file would drop every lock that this process has on it.
    """
    return connection.read("main", 0, 0, count)[1]


def check_file_size(connection: apsw.Connection, path: Path) -> None:
    """Compare the file's size with the page count in its header.

    Raises:
        CorruptStoreError: The file is truncated.
    """
    with connection:
        # Any read undoes an interrupted write; pages beyond the header's count can be in a log.
        connection.execute("PRAGMA page_count").fetchall()
        whole, size = _read_declared_size(read_first_bytes(connection, 32)), path.stat().st_size
    if size < whole:
        raise make_damaged_error(path, _describe_truncation(path, whole))


def check_not_replaced(connection: apsw.Connection) -> None:
    """Check that the connection's file still has its path; otherwise writes would be lost.

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


def _read_declared_size(header: bytes) -> int:
    """Compute the file size declared in the header; 0 if the header is truncated."""
    return int(struct.unpack_from(">I", header, 28)[0]) * PAGE_SIZE if len(header) == 32 else 0


def describe_damage(path: Path) -> str:
    """Describe the damage of a file that SQLite cannot read: truncated or damaged."""
    whole = _read_declared_size(_read_file_header(path)[:32])
    if path.stat().st_size < whole:
        return _describe_truncation(path, whole)
    return f"The store {path} is damaged."

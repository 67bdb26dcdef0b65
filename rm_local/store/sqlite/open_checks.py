"""The reasons to refuse a store: no file, a foreign one, another format, cut short, read-only."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.errors import StoreError, StoreInvalid, StoreMissing, StoreReadOnly, StoreVersion
from rm_local.store.format import APPLICATION_ID, PAGE_SIZE, VERSION
from rm_local.store.sqlite.libraries import load_apsw

if TYPE_CHECKING:
    import apsw

REBUILD = "Make it again (python -m models.seed.build for the seed store) or take another copy."

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
"""Versions of sqlite-vec, and the columns that they declare in the file; all are read alike."""


def check_layout(connection: apsw.Connection, path: Path) -> None:
    """StoreVersion: the file's shadow tables are none that this rm-local knows."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name GLOB 'code_*'"
    )
    columns = {name: sql.partition("(")[2].removesuffix(")").strip() for name, sql in found}
    if columns not in LAYOUTS.values():
        works = " or ".join(version.removeprefix("v") for version in chain(*LAYOUTS))
        raise StoreVersion(
            f"The store {path} has vector tables of a layout that this rm-local does not know.",
            f"Make it again with sqlite-vec {works}.",
        )


def is_writable(path: Path) -> bool:
    """Whether the store and its folder, which holds the journal, can be written to.

    What has no write bit at all counts as read-only for the superuser too.
    """
    any_write = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return all(
        os.access(each, os.W_OK) and bool(each.stat().st_mode & any_write)
        for each in (path, path.absolute().parent)
    )


def check_no_hot_log(path: Path) -> None:
    """StoreReadOnly: a write was interrupted, and cannot be undone where the store is."""
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
    header = _read_header(path)
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


def _read_header(path: Path) -> bytes:
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
            return read_first_bytes(connection, min(100, size)) if size else b""
        finally:
            connection.close()
    except (apsw.Error, OSError) as error:
        raise StoreError(f"The store {path} cannot be read: {error}.") from error


def read_first_bytes(connection: apsw.Connection, count: int) -> bytes:
    """The first bytes of the file itself, whatever is in a log beside it.

    Not with `open`: closing the file would drop every lock that this process has on it.
    """
    return connection.read("main", 0, 0, count)[1]


def check_size(connection: apsw.Connection, path: Path) -> None:
    """Compare the file's length with the pages it says it has. StoreInvalid: it is cut short."""
    with connection:
        # Reading anything undoes an interrupted write; pages beyond the header's may be in a log.
        connection.execute("PRAGMA page_count").fetchall()
        whole, size = _read_declared_size(read_first_bytes(connection, 32)), path.stat().st_size
    if size < whole:
        raise StoreInvalid(_describe_cut(path, whole), REBUILD)


def check_not_replaced(connection: apsw.Connection) -> None:
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


def _describe_cut(path: Path, whole: int) -> str:
    return f"The store {path} is cut short: {path.stat().st_size:,} of {whole:,} bytes."


def _read_declared_size(header: bytes) -> int:
    """Bytes that the file says it has; 0 where even that is cut off."""
    return int(struct.unpack_from(">I", header, 28)[0]) * PAGE_SIZE if len(header) == 32 else 0


def describe_damage(path: Path) -> str:
    """What is wrong with a file that SQLite cannot read: cut short, or damaged."""
    whole = _read_declared_size(_read_header(path)[:32])
    if path.stat().st_size < whole:
        return _describe_cut(path, whole)
    return f"The store {path} is damaged."

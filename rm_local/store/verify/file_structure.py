"""Checks the structure of a store's SQLite file: header, pages and declarations of tables."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rm_local.store.format import PAGE_SIZE, format_schema
from rm_local.store.sqlite import connection as sqlite, meta
from rm_local.store.sqlite.open_checks import read_first_bytes

if TYPE_CHECKING:
    import apsw

HEADER = (
    (16, ">H", (PAGE_SIZE,)),
    (20, ">4B", (0, 64, 32, 32)),
    (44, ">I", (4,)),
    (52, ">2I", (0, 1)),
    (64, ">I", (0,)),
    (72, ">5I", (0,) * 5),
)
"""Offset, `struct` format and expected values of fields of the SQLite header that never change."""

LOGGED = ((1, 1), (2, 2))
"""Allowed bytes at offset 18 of the header: without a write-ahead log, and with one."""

DECLARED = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


def find_header_faults(connection: apsw.Connection) -> Iterator[str]:
    """Yield a sentence for each field of the SQLite header with a value impossible in a store."""
    header = read_first_bytes(connection, 100)
    for offset, fields, values in HEADER:
        found = struct.unpack_from(fields, header, offset)
        if found != values:
            yield f"The header has {found} at byte {offset}, but should have {values}."
    if struct.unpack_from("2B", header, 18) not in LOGGED:
        yield "The header has invalid bytes at byte 18."


def find_sqlite_faults(connection: apsw.Connection) -> Iterator[str]:
    """Yield the faults that SQLite's integrity check finds in pages, indexes and the word index."""
    for (found,) in connection.execute("PRAGMA integrity_check(20)"):
        if found != "ok":
            yield f"SQLite: {found}."


def find_schema_faults(connection: apsw.Connection) -> Iterator[str]:
    """Yield a sentence for each table or index that is missing, surplus or declared differently.

    Also if sqlite-vec's own record of its version is wrong.
    """
    dimension = meta.read_meta_number(connection, "embedder_dimension")
    with sqlite.open_in_memory_database() as fresh:
        fresh.execute(format_schema(dimension))
        wanted = {tuple(row[:3]): row[3] for row in fresh.execute(DECLARED)}
    found = {tuple(row[:3]): row[3] for row in connection.execute(DECLARED)}
    for kind, name, table in sorted(wanted.keys() ^ found.keys()):
        yield f"The {kind} {name} of {table} is missing, or does not belong to a store."
    for key in sorted(wanted.keys() & found.keys()):
        if wanted[key] != found[key]:
            yield f"The {key[0]} {key[1]} has another declaration."
    yield from _find_recorded_sqlite_vec_version_faults(connection)


def _find_recorded_sqlite_vec_version_faults(connection: apsw.Connection) -> Iterator[str]:
    """Yield a sentence if sqlite-vec's version in the table `code_info` is not that in `meta`."""
    version = str(meta.read_meta_value(connection, "sqlite_vec"))
    numbers = version.removeprefix("v").partition("-")[0].split(".")
    wanted = {
        "CREATE_VERSION": version,
        **{
            f"CREATE_VERSION_{part}": int(number)
            for part, number in zip(("MAJOR", "MINOR", "PATCH"), numbers, strict=True)
        },
    }
    if dict(connection.execute("SELECT key, value FROM code_info")) != wanted:
        yield "sqlite-vec's version is not the one that made the file."

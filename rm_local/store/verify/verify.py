"""Looking through a whole store for damage, in steps between which others may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.progress import Progress, ProgressCallback, ProgressMeter
from rm_local.store.format import DamagedError
from rm_local.store.sqlite import connection as sqlite, meta
from rm_local.store.sqlite.open_checks import check_size
from rm_local.store.sqlite.reader_pool import read_transaction
from rm_local.store.verify.check_texts import TextChecker
from rm_local.store.verify.check_vectors import vector_faults
from rm_local.store.verify.checksums import count_faults, sealed_faults, spread_faults
from rm_local.store.verify.file_structure import header_faults, schema_faults, sqlite_faults
from rm_local.store.verify.word_index import word_faults

if TYPE_CHECKING:
    import apsw

UNREADABLE = (DamagedError, TypeError, ValueError)
"""What comes of values of another kind than a store writes, besides SQLite's own errors."""

MOST = 100
"""Faults that are named; a store with more has to be repaired or made again."""


def faults(path: Path, report: ProgressCallback) -> list[str]:
    """What is wrong in the store, as sentences; nothing where all is well.

    Memory: two bytes for each id ever given, and a step of 4,096 entries. Where
    another process wrote meanwhile and something seems wrong, all is read again in one transaction.
    StoreError: the file cannot be read, or another program keeps it locked.
    """
    with sqlite.translate_errors(path), sqlite.open_connection(path, "read") as connection:
        check_size(connection, path)
        # A table of the connection's own, which nothing is written to.
        connection.execute("PRAGMA query_only=0")
        connection.execute(
            "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, instance)"
        )
        connection.execute("PRAGMA query_only=1")
        before = _writes(connection)
        found = _first(_all(connection, report))
        if found and _writes(connection) != before:
            with read_transaction(connection):
                found = _first(_all(connection, report))
    connection.close()
    return found


def _first(found: Iterator[str]) -> list[str]:
    kept: list[str] = []
    for fault in found:
        if len(kept) == MOST:
            return [*kept, "There is more that is damaged."]
        kept.append(fault)
    return kept


def _writes(connection: apsw.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").get)


def _all(connection: apsw.Connection, report: ProgressCallback) -> Iterator[str]:
    yield from header_faults(connection)
    report(Progress("pages"))
    yield from _told("The file", sqlite_faults(connection))
    yield from _told("The file", schema_faults(connection))
    yield from _told("meta", spread_faults(connection))
    sealed = list(_told("meta", sealed_faults(connection)))
    yield from sealed
    if sealed:
        # What texts and vectors are read with is itself damaged.
        return
    yield from _told("A count", count_faults(connection))
    total = meta.read_number(connection, "last")
    texts = TextChecker(connection)
    yield from _told("A text", texts.faults(ProgressMeter(report, "texts", total).reach))
    yield from _told("The word index", word_faults(connection, texts.words))
    yield from _told(
        "A vector",
        vector_faults(connection, texts.there, ProgressMeter(report, "vectors", total).reach),
    )


def _told(what: str, found: Iterator[str]) -> Iterator[str]:
    """These faults, and as one more what kept a stage from its end."""
    import apsw

    try:
        yield from found
    except (*UNREADABLE, apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
        yield f"{what} cannot be read: {error}."

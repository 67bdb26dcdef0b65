"""Checks a whole store for damage, in steps between which other processes may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.progress import Progress, ProgressCallback, ProgressMeter
from rm_local.store.format import DamagedError
from rm_local.store.sqlite import connection as sqlite, meta
from rm_local.store.sqlite.open_checks import check_file_not_truncated
from rm_local.store.sqlite.reader_pool import read_transaction
from rm_local.store.verify.check_texts import TextAndLabelChecker
from rm_local.store.verify.check_vectors import find_vector_faults
from rm_local.store.verify.checksums import (
    find_meta_and_label_faults,
    find_row_count_faults,
    find_similarity_scale_faults,
)
from rm_local.store.verify.file_structure import (
    find_header_faults,
    find_schema_faults,
    find_sqlite_faults,
)
from rm_local.store.verify.word_index import find_word_index_faults

if TYPE_CHECKING:
    import apsw

UNREADABLE = (DamagedError, TypeError, ValueError)
"""Errors that reading damaged values raises, in addition to SQLite's own errors."""

MAX_FAULTS = 100
"""Maximum number of faults that are reported for a store."""


def verify_store(path: Path, report: ProgressCallback) -> list[str]:
    """Read the whole store and return its faults as sentences; empty if it is intact.

    The list ends after MAX_FAULTS. If faults are found and another process wrote meanwhile, all is
    read again in one transaction. Memory: two bytes for each id ever given, and 4,096 entries.

    Raises:
        StoreError: The file cannot be read, or another program keeps it locked.
    """
    with (
        sqlite.translate_sqlite_errors(path),
        sqlite.open_connection_close_on_error(path, "read") as connection,
    ):
        check_file_not_truncated(connection, path)
        # A temporary table of this connection, which is not written to.
        connection.execute("PRAGMA query_only=0")
        connection.execute(
            "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, instance)"
        )
        connection.execute("PRAGMA query_only=1")
        before = _read_pragma_data_version(connection)
        found = _take_first_faults(_find_all_faults(connection, report))
        if found and _read_pragma_data_version(connection) != before:
            with read_transaction(connection):
                found = _take_first_faults(_find_all_faults(connection, report))
    connection.close()
    return found


def _take_first_faults(found: Iterator[str]) -> list[str]:
    """Return the first MAX_FAULTS faults, and a sentence if there are more."""
    kept: list[str] = []
    for fault in found:
        if len(kept) == MAX_FAULTS:
            return [*kept, "More faults were found."]
        kept.append(fault)
    return kept


def _read_pragma_data_version(connection: apsw.Connection) -> int:
    """Return a number that changes when another connection commits."""
    return int(connection.execute("PRAGMA data_version").get)


def _find_all_faults(connection: apsw.Connection, report: ProgressCallback) -> Iterator[str]:
    """Yield the faults of all parts of a store; end early if `meta` or `label` has some."""
    yield from find_header_faults(connection)
    report(Progress("pages"))
    yield from _convert_errors_to_faults("The file", find_sqlite_faults(connection))
    yield from _convert_errors_to_faults("The file", find_schema_faults(connection))
    yield from _convert_errors_to_faults("meta", find_similarity_scale_faults(connection))
    sealed = list(_convert_errors_to_faults("meta", find_meta_and_label_faults(connection)))
    yield from sealed
    if sealed:
        # Texts and vectors cannot be read without these rows.
        return
    yield from _convert_errors_to_faults("A count", find_row_count_faults(connection))
    total = meta.read_meta_number(connection, "last")
    texts = TextAndLabelChecker(connection)
    yield from _convert_errors_to_faults(
        "A text",
        texts.find_faults_and_collect_words(
            ProgressMeter(report, "texts", total).report_units_done
        ),
    )
    yield from _convert_errors_to_faults(
        "The word index", find_word_index_faults(connection, texts.words)
    )
    yield from _convert_errors_to_faults(
        "A vector",
        find_vector_faults(
            connection, texts.exists, ProgressMeter(report, "vectors", total).report_units_done
        ),
    )


def _convert_errors_to_faults(what: str, found: Iterator[str]) -> Iterator[str]:
    """Yield the faults `found`; if finding them fails, yield that `what` cannot be read."""
    import apsw

    try:
        yield from found
    except (*UNREADABLE, apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
        yield f"{what} cannot be read: {error}."

"""Inserts and reads rows of the store's tables, and runs write transactions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.arrays import Ids
from rm_local.records import Entry
from rm_local.store.codec.code_frames import MAGIC, CompressedRankingCodes, compute_row_checksum
from rm_local.store.format import NO_CLUSTER, DamagedError, compute_checksum
from rm_local.store.request import ANY_ENTRY, EntryFilter
from rm_local.store.sqlite import meta
from rm_local.store.sqlite.open_checks import check_file_not_replaced

if TYPE_CHECKING:
    import apsw


# All in one row: SQLite reads it with the GIL released.
CODES = f"""SELECT group_concat(id), group_concat(length(v) + {len(MAGIC)}),
    CAST(group_concat(X'{MAGIC.hex()}' || v, '') AS BLOB) FROM ref"""

MATCHING_LABELS = """SELECT id FROM label
    WHERE domain = coalesce(:domain, domain) AND source = coalesce(:source, source)
        AND level = coalesce(:level, level)"""
FILTERED = f" AND label IN ({MATCHING_LABELS})"


EntryMetadata = tuple[str, str, str, str]
"""Domain, source, level and provenance of an entry: a row of the table `label`, called a label."""


def format_where_suffix_or_empty(filter: EntryFilter) -> str:
    """Return SQL that adds the filter to a WHERE clause on `code` or `ref`; empty for no filter."""
    return FILTERED if filter else ""


def get_filter_values(filter: EntryFilter) -> dict[str, str | None]:
    """Return the named SQL parameters for the condition of `format_where_suffix_or_empty`."""
    return {"domain": filter.domain, "source": filter.source, "level": filter.level}


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One entry, encoded for the tables: sign bits, ranking code, compressed texts, rare words."""

    label: int
    """Number of the row in the table `label` with the entry's metadata."""
    cluster: int
    """Number of the entry's cluster; with NO_CLUSTER it becomes pending, in the table `fresh`."""
    bits: bytes
    code: bytes
    frame: bytes
    rare: str
    """Rare words of the subproblem, separated by spaces; can be empty."""

    def compute_crc(self, id: int) -> int:
        """Return the row's checksum for the column `crc` of `ref` if its entry gets this id."""
        return compute_row_checksum(id, self.label, self.cluster, self.bits, self.code)


@contextmanager
def write_transaction(connection: apsw.Connection) -> Iterator[None]:
    """Run the body in a write transaction; roll it back if the body raises.

    Raises:
        StoreError: The file was replaced since it was opened.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        check_file_not_replaced(connection)
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def insert_entry_rows_and_update_counts(
    connection: apsw.Connection, rows: Sequence[EncodedRow]
) -> list[int]:
    """Insert encoded entries in the current transaction; return their new ids.

    The ids follow the highest one ever given. The counts in `meta` are updated.
    """
    counts = meta.read_two_meta_numbers(connection, ("entries", "last"))
    first = counts["last"] + 1
    new = list(enumerate(rows, first))
    clustered = [(id, row) for id, row in new if row.cluster != NO_CLUSTER]
    connection.executemany(
        "INSERT INTO fresh(id, bits, rare) VALUES(?, ?, ?)",
        [(id, row.bits, row.rare) for id, row in new if row.cluster == NO_CLUSTER],
    )
    if clustered:
        insert_sign_bits(
            connection, [(id, row.cluster, row.label, row.bits) for id, row in clustered]
        )
        insert_rare_words(connection, [(id, row.rare) for id, row in clustered])
    connection.executemany(
        "INSERT INTO ref(id, label, crc, v) VALUES(?, ?, ?, ?)",
        ((id, row.label, row.compute_crc(id), row.code) for id, row in new),
    )
    connection.executemany(
        "INSERT INTO text(id, z) VALUES(?, ?)", ((id, row.frame) for id, row in new)
    )
    for key, before in counts.items():
        meta.write_meta_value(connection, key, before + len(rows))
    return [id for id, _ in new]


def insert_sign_bits(
    connection: apsw.Connection, rows: Sequence[tuple[int, int, int, bytes]]
) -> None:
    """Insert rows of id, cluster number, label number and sign bits into the table `code`."""
    connection.executemany("INSERT INTO code(id, cid, label, e) VALUES(?, ?, ?, vec_bit(?))", rows)


def insert_rare_words(connection: apsw.Connection, rows: Iterable[tuple[int, str]]) -> None:
    """Insert entry ids and their rare words, separated by spaces, into the word index `words`.

    Entries without rare words are skipped.
    """
    connection.executemany(
        "INSERT INTO words(rowid, rare) VALUES(?, ?)", [row for row in rows if row[1]]
    )


def adjust_entry_count(connection: apsw.Connection, entries: int) -> None:
    """Add `entries`, which may be negative, to the number of entries recorded in `meta`."""
    meta.write_meta_value(connection, "entries", count_entries(connection) + entries)


def find_or_add_label(connection: apsw.Connection, entry: Entry) -> int:
    """Return the number of the row of `label` with the entry's metadata; insert a missing row."""
    label = make_storable_metadata(entry)
    found = connection.execute(
        "SELECT id FROM label WHERE domain = ? AND source = ? AND level = ? AND provenance = ?",
        label,
    ).get
    if found is None:
        found = 1 + connection.execute("SELECT coalesce(max(id), 0) FROM label").get
        insert_label(connection, found, label)
    return int(found)


def insert_label(connection: apsw.Connection, number: int, label: EntryMetadata) -> None:
    """Insert metadata into the table `label` under the unused number `number`."""
    connection.execute(
        "INSERT INTO label(id, domain, source, level, provenance, crc) VALUES(?, ?, ?, ?, ?, ?)",
        (number, *label, compute_checksum(number, *label)),
    )


def make_storable_metadata(entry: Entry) -> EntryMetadata:
    """Return domain, source, level and provenance of an entry, without lone surrogates.

    SQLite cannot store those; each is replaced by a question mark.
    """
    label = (entry.domain, entry.source, entry.level, entry.provenance)
    if "".join(label).isascii():
        return label
    domain, source, level, provenance = map(replace_surrogates, label)
    return domain, source, level, provenance


def count_entries(connection: apsw.Connection) -> int:
    """Return the number of entries in the store, as recorded in `meta`."""
    return meta.read_meta_number(connection, "entries")


def read_last_given_id(connection: apsw.Connection) -> int:
    """Return the highest id ever given to an entry, which may be deleted; 0 before the first."""
    return meta.read_meta_number(connection, "last")


def read_id_range(connection: apsw.Connection) -> range:
    """Return the range from the lowest id of an existing entry to the highest id ever given."""
    first = connection.execute("SELECT min(id) FROM ref").get
    return range(first or 1, read_last_given_id(connection) + 1)


def list_current_and_past_domains(connection: apsw.Connection) -> tuple[str, ...]:
    """Return the distinct domains in alphabetical order, without the empty one.

    Domains that only deleted entries had are included.
    """
    found = connection.execute("SELECT DISTINCT domain FROM label WHERE domain <> '' ORDER BY 1")
    return tuple(row[0] for row in found)


def find_existing_ids(
    connection: apsw.Connection, ids: Collection[int], filter: EntryFilter = ANY_ENTRY
) -> set[int]:
    """Return those of `ids` whose entries exist and pass the filter."""
    found = connection.execute(
        "SELECT id FROM ref WHERE id IN (SELECT value FROM json_each(:ids))"
        + format_where_suffix_or_empty(filter),
        {"ids": format_json_array(ids), **get_filter_values(filter)},
    )
    return {row[0] for row in found}


def find_matching_labels(connection: apsw.Connection, filter: EntryFilter) -> Ids:
    """Return the numbers of the labels (rows of `label`) that pass the filter: an array (n,)."""
    return np.array(
        [row[0] for row in connection.execute(MATCHING_LABELS, get_filter_values(filter))], np.int64
    )


def read_ranking_codes(
    connection: apsw.Connection, ids: Ids | None, filter: EntryFilter = ANY_ENTRY
) -> tuple[Ids, CompressedRankingCodes]:
    """Return the ids of the entries that pass the filter, and the ranking code of each.

    Only entries among `ids`, in any order, are read; None: all entries.
    """
    import apsw

    values: dict[str, Any] = get_filter_values(filter)
    chosen = ""
    if ids is not None:
        # apsw rejects an empty array; no id is 0.
        values["ids"] = apsw.carray(np.sort(ids) if len(ids) else np.zeros(1, np.int64))
        chosen = " AND id IN (SELECT value FROM carray(:ids))"
    found = connection.execute(
        f"{CODES} WHERE 1{chosen}{format_where_suffix_or_empty(filter)}", values
    )
    row: tuple[Any, ...] = found.fetchall()[0]
    numbers, lengths = (np.fromstring(each or "", np.int64, sep=",") for each in row[:2])
    return numbers, CompressedRankingCodes(lengths, row[2] or b"")


def read_entry_metadata(
    connection: apsw.Connection, ids: Collection[int]
) -> dict[int, EntryMetadata]:
    """Return domain, source, level and provenance of the existing entries among `ids`, by id.

    Raises:
        DamagedError: A row of the table `label` is damaged.
    """
    cursor = connection.execute(
        "SELECT ref.id, domain, source, level, provenance, crc, label.id"
        " FROM (SELECT id, label FROM ref WHERE id IN (SELECT value FROM json_each(?))) AS ref"
        " JOIN label ON label.id = ref.label",
        (format_json_array(ids),),
    )
    found: list[tuple[Any, ...]] = cursor.fetchall()
    for *label, crc, number in {row[1:] for row in found}:
        if compute_checksum(number, *label) != crc:
            raise DamagedError(f"label {number} is damaged")
    return {row[0]: row[1:5] for row in found}


def read_text_frames(
    connection: apsw.Connection, table: str, ids: Collection[int]
) -> dict[int, bytes]:
    """Return compressed texts (zstandard frames) of the table `block` or `text`, by row number.

    `ids` are numbers of blocks, or ids of entries for `text`. Missing rows are left out.
    """
    key = {"block": "blk", "text": "id"}[table]
    found = connection.execute(
        f"SELECT {key}, z FROM {table} WHERE {key} IN (SELECT value FROM json_each(?))",
        (format_json_array(ids),),
    )
    return {row[0]: row[1] for row in found}


def format_json_array(numbers: Collection[int]) -> str:
    """Return the numbers as a JSON array, a parameter for SQLite's `json_each`."""
    return json.dumps([int(each) for each in numbers])


def replace_surrogates(text: str) -> str:
    """Replace each lone surrogate in `text`, which SQLite cannot store, by a question mark."""
    return text.encode("utf-8", "replace").decode()

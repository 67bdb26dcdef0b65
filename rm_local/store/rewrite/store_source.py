"""Reads the entries of a store in order of id, for comparisons or as the source of a build."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rm_local.arrays import Ids
from rm_local.errors import StoreError
from rm_local.records import Entry
from rm_local.store.build.source import EntryBatch
from rm_local.store.codec.text_blocks import unpack_words
from rm_local.store.format import EmbedderId
from rm_local.store.request import EntryFilter
from rm_local.store.rewrite.sparse_ids import SparseRange
from rm_local.store.sqlite import tables as rows
from rm_local.store.sqlite.meta import read_packed_known_words
from rm_local.store.store import Store

if TYPE_CHECKING:
    import apsw

READ_ROWS = 4096
"""Number of entries in a block of a source, read at once."""


class PickleByFields:
    """Base class of dataclasses that pickles their fields only, not other attributes.

    These are open stores and cached values, which another process makes again.
    """

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        names = (each.name for each in fields(self))  # type: ignore[arg-type]
        return type(self), tuple(getattr(self, name) for name in names)


@dataclass(frozen=True, eq=False)
class StoreEntrySource(PickleByFields):
    """The existing entries of a store, in order of id, in blocks: a source for a bulk build.

    Each process opens the store itself. In addition to the errors of `Store.open`, every call can
    raise StoreError: the store has changed since `open`.
    """

    path: Path
    embedder: EmbedderId
    rows: int
    fingerprint: str
    block_rows: int = READ_ROWS

    @classmethod
    def open(cls, path: Path) -> StoreEntrySource:
        """Open the store at `path` as a source; `close` closes it.

        Raises:
            StoreError: As for `Store.open`.
        """
        store = Store.open(path)
        try:
            with store.borrow_connection() as connection:
                count, seen = rows.count_entries(connection), read_store_fingerprint(connection)
            held = cls(path.absolute(), store.read_info().embedder, count, seen)
        except BaseException:
            store.close()
            raise
        held.__dict__["_store"] = store
        return held

    def read_block(self, number: int) -> EntryBatch:
        """Return entries and vectors of block `number`, counted from 0."""
        return self.read_rows(self._list_block_places(number))

    def read_rows(self, places: Ids) -> EntryBatch:
        """Return the entries at these positions in order of id (from 0), and their vectors."""
        ids = self.find_ids_at(places)
        return self._store.get(ids), self._store.read_vectors(ids)

    def read_block_entries(self, number: int) -> list[Entry]:
        """Return the entries of block `number`, counted from 0, without vectors."""
        return self._store.get(self.find_ids_at(self._list_block_places(number)))

    def read_filtered_block(self, number: int, filter: EntryFilter) -> EntryBatch:
        """Return the entries of block `number` that pass the filter, and their vectors."""
        ids = self.find_ids_at(self._list_block_places(number))
        with self._store.borrow_connection() as connection:
            ids = sorted(rows.find_existing_ids(connection, ids, filter))
        return self._store.get(ids), self._store.read_vectors(ids)

    def get(self, ids: list[int]) -> list[Entry]:
        """Return the entries with these ids, in this order."""
        return self._store.get(ids)

    def read_usage_counts(self) -> list[tuple[int, int, int]]:
        """Return id, `shown` and `helped` of all entries with usage counts, last id first."""
        with self._store.borrow_connection() as connection:
            found = connection.execute(
                "SELECT id, shown, helped FROM tally JOIN ref USING(id) ORDER BY id DESC"
            )
            return [(row[0], row[1], row[2]) for row in found]

    def find_ids_at(self, places: Ids) -> list[int]:
        """Return the ids of the entries at these positions in order of id, counted from 0."""
        with self._store.borrow_connection() as connection:
            if read_store_fingerprint(connection) != self.fingerprint:
                raise StoreError(f"The store {self.path} was changed meanwhile.", "Start again.")
            ids: list[int] = self._existing_ids.find_ids_at(places).tolist()
        return ids

    @cached_property
    def known_words(self) -> frozenset[str]:
        """The words known to the store's embedder, in lower case."""
        with self._store.borrow_connection() as connection:
            return unpack_words(read_packed_known_words(connection))

    @property
    def blocks(self) -> int:
        """Number of blocks into which the store's entries are divided for reading."""
        return -(-self.rows // self.block_rows)

    def close(self) -> None:
        """Close the store in this process; the next read opens it again."""
        if store := self.__dict__.pop("_store", None):
            store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _list_block_places(self, number: int) -> Ids:
        """Return the positions, in order of id, of the entries of block `number`."""
        first = number * self.block_rows
        return np.arange(first, min(first + self.block_rows, self.rows))

    @cached_property
    def _store(self) -> Store:
        return Store.open(self.path)

    @cached_property
    def _existing_ids(self) -> SparseRange:
        with self._store.borrow_connection() as connection:
            given = rows.read_id_range(connection)
            return SparseRange.from_missing(given.start, _find_deleted_ids(connection, given))


def read_store_fingerprint(connection: apsw.Connection) -> str:
    """Return a text about a store's content that changes with each added or deleted entry."""
    # Not the whole checksum, which changes when the entry is assigned to a cluster.
    newest = connection.execute("SELECT crc >> 32 FROM ref ORDER BY id DESC LIMIT 1").get
    count, last = rows.count_entries(connection), rows.read_last_given_id(connection)
    return f"{count} entries to {last}, the newest {newest}"


def _find_deleted_ids(connection: apsw.Connection, given: range) -> Ids:
    """Return the ids in the range `given` that have no entry, ascending.

    `given` is the range from the lowest id of an existing entry to the highest id ever given.
    """
    if rows.count_entries(connection) == len(given):
        return np.empty(0, np.int64)
    bulk = connection.execute("SELECT value FROM meta WHERE key = 'bulk'").get
    buried = _read_column(
        connection, "SELECT id FROM tomb WHERE id >= ? ORDER BY id", (given.start,)
    )
    first = max(bulk + 1, given.start)
    missing = np.ones(max(0, given.stop - first), dtype=bool)
    missing[_read_column(connection, "SELECT id FROM text WHERE id >= ?", (first,)) - first] = False
    return np.concatenate([buried, first + np.flatnonzero(missing)])


def _read_column(connection: apsw.Connection, sql: str, values: tuple[int, ...]) -> Ids:
    return np.fromiter((row[0] for row in connection.execute(sql, values)), np.int64)

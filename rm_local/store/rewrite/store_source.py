"""The entries of a store as the source of another one, and for reading them in order."""

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
from rm_local.store.rewrite.sparse_ids import Numbering
from rm_local.store.sqlite import tables as rows
from rm_local.store.sqlite.meta import read_known_words
from rm_local.store.store import Store

if TYPE_CHECKING:
    import apsw

READ_ROWS = 4096
"""Rows of a block."""


class Reopened:
    """Base of dataclasses that are pickled without what they have opened."""

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        names = (each.name for each in fields(self))  # type: ignore[arg-type]
        return type(self), tuple(getattr(self, name) for name in names)


@dataclass(frozen=True, eq=False)
class StoreSource(Reopened):
    """The entries of a store that are not deleted, in order of id (a `Source`).

    Each process that reads them opens the store for itself. Every call raises StoreError when the
    store was changed since `of`, and what `Store.open` raises.
    """

    path: Path
    embedder: EmbedderId
    rows: int
    fingerprint: str
    block_rows: int = READ_ROWS

    @classmethod
    def of(cls, path: Path) -> StoreSource:
        """Those of the store at `path`. Raises as `Store.open`."""
        store = Store.open(path)
        try:
            with store.borrow_connection() as connection:
                count, seen = rows.count_entries(connection), state(connection)
            held = cls(path.absolute(), store.read_info().embedder, count, seen)
        except BaseException:
            store.close()
            raise
        held.__dict__["_store"] = store
        return held

    def block(self, number: int) -> EntryBatch:
        """Entries and vectors of one block."""
        return self.read(self._places(number))

    def read(self, places: Ids) -> EntryBatch:
        """Entries and vectors, (n, d), at these places, counted from 0 in order of id."""
        ids = self.ids(places)
        return self._store.get(ids), self._store.read_vectors(ids)

    def entries(self, number: int) -> list[Entry]:
        """The entries of one block alone."""
        return self._store.get(self.ids(self._places(number)))

    def filtered(self, number: int, filter: EntryFilter) -> EntryBatch:
        """Entries and vectors of those of one block that pass the filter."""
        ids = self.ids(self._places(number))
        with self._store.borrow_connection() as connection:
            ids = sorted(rows.find_existing(connection, ids, filter))
        return self._store.get(ids), self._store.read_vectors(ids)

    def get(self, ids: list[int]) -> list[Entry]:
        """The entries with these ids, in this order."""
        return self._store.get(ids)

    def tallies(self) -> list[tuple[int, int, int]]:
        """Id, times shown and times helped of each entry that was ever counted, last id first."""
        with self._store.borrow_connection() as connection:
            found = connection.execute(
                "SELECT id, shown, helped FROM tally JOIN ref USING(id) ORDER BY id DESC"
            )
            return [(row[0], row[1], row[2]) for row in found]

    def ids(self, places: Ids) -> list[int]:
        """Ids of the entries at these places."""
        with self._store.borrow_connection() as connection:
            if state(connection) != self.fingerprint:
                raise StoreError(f"The store {self.path} was changed meanwhile.", "Start again.")
            ids: list[int] = self._numbering.at(places).tolist()
        return ids

    @cached_property
    def known_words(self) -> frozenset[str]:
        """The words that the store's embedder knows whole."""
        with self._store.borrow_connection() as connection:
            return unpack_words(read_known_words(connection))

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.rows // self.block_rows)

    def close(self) -> None:
        """Close the store in this process; it is opened again when it is read again."""
        if store := self.__dict__.pop("_store", None):
            store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _places(self, number: int) -> Ids:
        first = number * self.block_rows
        return np.arange(first, min(first + self.block_rows, self.rows))

    @cached_property
    def _store(self) -> Store:
        return Store.open(self.path)

    @cached_property
    def _numbering(self) -> Numbering:
        with self._store.borrow_connection() as connection:
            given = rows.read_id_range(connection)
            return Numbering.without(given.start, _deleted(connection, given))


def state(connection: apsw.Connection) -> str:
    """Another one when entries have come or gone since: ids are never given twice."""
    # Not its whole checksum: that is another one as soon as it is given a cluster.
    newest = connection.execute("SELECT crc >> 32 FROM ref ORDER BY id DESC LIMIT 1").get
    count, last = rows.count_entries(connection), rows.read_last_id(connection)
    return f"{count} entries to {last}, the newest {newest}"


def _deleted(connection: apsw.Connection, given: range) -> Ids:
    """The ids of this span that are no entries, ascending; those at its end may be left out."""
    if rows.count_entries(connection) == len(given):
        return np.empty(0, np.int64)
    bulk = connection.execute("SELECT value FROM meta WHERE key = 'bulk'").get
    buried = _column(connection, "SELECT id FROM tomb WHERE id >= ? ORDER BY id", (given.start,))
    first = max(bulk + 1, given.start)
    missing = np.ones(max(0, given.stop - first), dtype=bool)
    missing[_column(connection, "SELECT id FROM text WHERE id >= ?", (first,)) - first] = False
    return np.concatenate([buried, first + np.flatnonzero(missing)])


def _column(connection: apsw.Connection, sql: str, values: tuple[int, ...]) -> Ids:
    return np.fromiter((row[0] for row in connection.execute(sql, values)), np.int64)

"""The store's statements: rows in, rows out."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rm_local.memory.format import ONE_PARTITION
from rm_local.records import Entry

if TYPE_CHECKING:
    import apsw

NARROWED = """
    AND id IN (SELECT id FROM text WHERE label IN (SELECT id FROM label
        WHERE domain = coalesce(:domain, domain) AND source = coalesce(:source, source)))
"""


@dataclass(frozen=True, slots=True)
class Names:
    """What a search is narrowed to; None = anything."""

    domain: str | None = None
    source: str | None = None

    @property
    def condition(self) -> str:
        """SQL to put behind another condition on `id`; empty when nothing is narrowed."""
        return "" if self.domain is None and self.source is None else NARROWED

    @property
    def values(self) -> dict[str, str | None]:
        """The values of `condition`'s parameters."""
        return {"domain": self.domain, "source": self.source}


@contextmanager
def writing(connection: apsw.Connection) -> Iterator[None]:
    """One transaction, holding the write lock from its start; undone if the body raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def insert(
    connection: apsw.Connection,
    entries: Sequence[Entry],
    frames: Sequence[bytes],
    bits: Sequence[bytes],
    codes: Sequence[bytes],
) -> list[int]:
    """Add rows within the running transaction; their ids, which go on from the last."""
    last = connection.execute("SELECT coalesce(max(id), 0) FROM text").get
    ids = list(range(last + 1, last + 1 + len(entries)))
    labels = [_label(connection, entry.domain, entry.source) for entry in entries]
    words = [_bindable(entry.subproblem) for entry in entries]
    connection.executemany(
        f"INSERT INTO code(id, cid, e) VALUES(?, {ONE_PARTITION}, vec_bit(?))",
        zip(ids, bits, strict=True),
    )
    connection.executemany("INSERT INTO ref(id, v) VALUES(?, ?)", zip(ids, codes, strict=True))
    connection.executemany(
        "INSERT INTO text(id, label, z) VALUES(?, ?, ?)", zip(ids, labels, frames, strict=True)
    )
    connection.executemany(
        "INSERT INTO words(rowid, subproblem) VALUES(?, ?)", zip(ids, words, strict=True)
    )
    connection.execute("UPDATE meta SET value = value + ? WHERE key = 'entries'", (len(entries),))
    return ids


def count(connection: apsw.Connection) -> int:
    """How many entries there are."""
    return int(connection.execute("SELECT value FROM meta WHERE key = 'entries'").get)


def domains(connection: apsw.Connection) -> tuple[str, ...]:
    """The domains that are named, in alphabetical order."""
    found = connection.execute("SELECT DISTINCT domain FROM label WHERE domain <> '' ORDER BY 1")
    return tuple(row[0] for row in found)


def known_words(connection: apsw.Connection) -> bytes:
    """The packed words that the store's embedder knows."""
    return bytes(connection.execute("SELECT value FROM meta WHERE key = 'known_words'").get)


def near(connection: apsw.Connection, bits: bytes, k: int, names: Names) -> set[int]:
    """Ids of the `k` rows whose bits differ least from `bits`."""
    found = connection.execute(
        "SELECT id FROM code WHERE e MATCH vec_bit(:bits) AND k = :k AND cid = :cid"
        + names.condition,
        {"bits": bits, "k": k, "cid": ONE_PARTITION, **names.values},
    )
    return {row[0] for row in found}


def codes(
    connection: apsw.Connection, ids: Collection[int] | None, names: Names
) -> dict[int, bytes]:
    """The int8 codes, by id, of those of `ids`, None for all rows, that have these names."""
    chosen = "" if ids is None else " AND id IN (SELECT value FROM json_each(:ids))"
    found = connection.execute(
        f"SELECT id, v FROM ref WHERE 1{chosen}{names.condition}",
        {"ids": _listed(ids or ()), **names.values},
    )
    return {row[0]: row[1] for row in found}


def texts(connection: apsw.Connection, ids: Collection[int]) -> dict[int, tuple[bytes, str, str]]:
    """Frame, domain and source, by id, of those of `ids` that exist."""
    found = connection.execute(
        "SELECT text.id, z, domain, source FROM text JOIN label ON label.id = text.label"
        " WHERE text.id IN (SELECT value FROM json_each(?))",
        (_listed(ids),),
    )
    return {row[0]: (row[1], row[2], row[3]) for row in found}


def _label(connection: apsw.Connection, domain: str, source: str) -> int:
    pair = (_bindable(domain), _bindable(source))
    connection.execute("INSERT OR IGNORE INTO label(domain, source) VALUES(?, ?)", pair)
    found = connection.execute("SELECT id FROM label WHERE domain = ? AND source = ?", pair)
    return int(found.get)


def _listed(ids: Collection[int]) -> str:
    return json.dumps([int(each) for each in ids])


def _bindable(text: str) -> str:
    """`text` without lone surrogates, which SQLite cannot hold."""
    return text.encode("utf-8", "replace").decode()

"""Rows that carry a checksum of their own, and numbers of rows that must agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rm_local.store.codec.text_blocks import unpack_words
from rm_local.store.format import BLOCK_ROWS, checksum
from rm_local.store.index.centroids import read_centroids
from rm_local.store.sqlite.meta import SPREAD, read_known_words, read_meta, read_number
from rm_local.store.sqlite.reader_pool import read_transaction
from rm_local.store.sqlite.vec0 import CODES, TEXTS, read_dictionary

if TYPE_CHECKING:
    import apsw

BULK = "(SELECT value FROM meta WHERE key = 'bulk')"
BEFORE = f"(SELECT coalesce(min(blk), 0) * {BLOCK_ROWS} FROM block)"
"""Ids that were given before the store was compacted, or not at all."""
COUNTS = (
    ("entries", "SELECT count(*) FROM ref", "SELECT value FROM meta WHERE key = 'entries'"),
    (
        "rows added since the bulk build",
        "SELECT count(*) FROM text",
        f"SELECT count(*) FROM ref WHERE id > {BULK}",
    ),
    (
        "places of rows added since the bulk build",
        "SELECT count(*) FROM code_rowids",
        f"SELECT count(*) FROM ref WHERE id > {BULK} AND id NOT IN (SELECT id FROM fresh)",
    ),
    (
        "deleted entries",
        "SELECT count(*) FROM tomb",
        f"SELECT {BULK} - {BEFORE} - count(*) FROM ref WHERE id <= {BULK}",
    ),
    ("deleted entries that are there", "SELECT count(*) FROM tomb JOIN ref USING(id)", "SELECT 0"),
    (
        "blocks of texts",
        "SELECT count(*) FROM block",
        f"SELECT ({BULK} - {BEFORE} + 15) / 16",
    ),
    (
        "chunks of bits",
        "SELECT count(*) FROM code_vector_chunks00",
        "SELECT count(*) FROM code_chunks",
    ),
    (
        "chunks of labels",
        "SELECT count(*) FROM code_metadatachunks00",
        "SELECT count(*) FROM code_chunks",
    ),
)
"""What is counted, and two statements that must give the same number."""


def sealed_faults(connection: apsw.Connection) -> Iterator[str]:
    """Rows of `meta`, `label`, `zdict` and `centroid` that are not as they were written.

    Of `meta` those that all else is read with. DamagedError: one of these is missing.
    """
    yield from _meta_faults(connection, "key <> ?")
    if connection.execute("SELECT 1 FROM meta WHERE key = 'groups'").get:
        yield "The bulk build of this store did not come to its end."
    for row in connection.execute("SELECT crc, id, domain, source, level, provenance FROM label"):
        if checksum(*row[1:]) != row[0]:
            yield f"Label {row[1]} is not as it was written."
    dimension = read_meta(connection).embedder.dimension
    unpack_words(read_known_words(connection))
    for which in (TEXTS, CODES):
        read_dictionary(connection, which)
    read_centroids(connection, dimension)


def spread_faults(connection: apsw.Connection) -> Iterator[str]:
    """The row SPREAD of `meta`, if it is not as it was written."""
    yield from _meta_faults(connection, "key = ?")


def _meta_faults(connection: apsw.Connection, which: str) -> Iterator[str]:
    """Of the rows of `meta` for which `which`, a condition with SPREAD for its parameter, holds."""
    rows = connection.execute(f"SELECT key, value, crc FROM meta WHERE {which}", (SPREAD,))
    for key, value, crc in rows:
        if checksum(key, value) != crc:
            yield f"meta: {key!r} is not as it was written."


def count_faults(connection: apsw.Connection) -> Iterator[str]:
    """Numbers of rows that do not agree."""
    for name, one, other in COUNTS:
        with read_transaction(connection):
            here, there = connection.execute(one).get, connection.execute(other).get
        if here != there:
            yield f"There are {here:,} {name}, and there should be {there:,}."
    highest = connection.execute("SELECT coalesce(max(id), 0) FROM ref").get
    if highest > read_number(connection, "last"):
        yield f"Entry {highest} is above the highest number that was given."

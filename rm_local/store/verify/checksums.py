"""Checks the small tables' checksums, and that the numbers of rows of all tables agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rm_local.store.codec.text_blocks import unpack_words
from rm_local.store.format import BLOCK_ROWS, compute_checksum
from rm_local.store.index.centroids import read_centroids
from rm_local.store.sqlite.meta import SPREAD, read_meta, read_meta_number, read_packed_known_words
from rm_local.store.sqlite.reader_pool import read_transaction
from rm_local.store.sqlite.vec0 import CODES, TEXTS, read_compression_dictionary

if TYPE_CHECKING:
    import apsw

BULK = "(SELECT value FROM meta WHERE key = 'bulk')"
BEFORE = f"(SELECT coalesce(min(blk), 0) * {BLOCK_ROWS} FROM block)"
"""SQL for the number of ids below those of the first text block. They have no entries: they were
given before the store was compacted, or never."""
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
    (
        "deleted entries that exist",
        "SELECT count(*) FROM tomb JOIN ref USING(id)",
        "SELECT 0",
    ),
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
"""Descriptions of counts, each with two SQL statements that must return the same number."""


def find_meta_and_label_faults(connection: apsw.Connection) -> Iterator[str]:
    """Yield a sentence for each damaged row of `meta`, except SPREAD, and of `label`.

    Also check `zdict` and `centroid`, and that a bulk build of the store was completed.

    Raises:
        DamagedError: A value or row without which others cannot be read is missing or damaged.
    """
    yield from _find_meta_faults_where(connection, "key <> ?")
    if connection.execute("SELECT 1 FROM meta WHERE key = 'groups'").get:
        yield "The bulk build of this store was not completed."
    for row in connection.execute("SELECT crc, id, domain, source, level, provenance FROM label"):
        if compute_checksum(*row[1:]) != row[0]:
            yield f"Label {row[1]} is not as it was written."
    dimension = read_meta(connection).embedder.dimension
    unpack_words(read_packed_known_words(connection))
    for which in (TEXTS, CODES):
        read_compression_dictionary(connection, which)
    read_centroids(connection, dimension)


def find_similarity_scale_faults(connection: apsw.Connection) -> Iterator[str]:
    """Yield a sentence if the store's similarity scale (SPREAD in `meta`) is damaged."""
    yield from _find_meta_faults_where(connection, "key = ?")


def _find_meta_faults_where(connection: apsw.Connection, which: str) -> Iterator[str]:
    """Yield a sentence for each damaged row of `meta` that meets the SQL condition `which`.

    The parameter `?` of the condition is SPREAD.
    """
    rows = connection.execute(f"SELECT key, value, crc FROM meta WHERE {which}", (SPREAD,))
    for key, value, crc in rows:
        if compute_checksum(key, value) != crc:
            yield f"meta: {key!r} is not as it was written."


def find_row_count_faults(connection: apsw.Connection) -> Iterator[str]:
    """Yield a sentence for each number of rows that disagrees with another table, by COUNTS.

    Also for an entry with an id above the highest ever given.
    """
    for name, one, other in COUNTS:
        with read_transaction(connection):
            here, there = connection.execute(one).get, connection.execute(other).get
        if here != there:
            yield f"There are {here:,} {name}, but there should be {there:,}."
    highest = connection.execute("SELECT coalesce(max(id), 0) FROM ref").get
    if highest > read_meta_number(connection, "last"):
        yield f"Entry {highest} is above the highest id ever given."

"""Creates the store's tables, and fills sqlite-vec's shadow tables of `code` directly."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rm_local.store.codec.text_blocks import pack_words
from rm_local.store.format import CHUNK_SIZE, DamagedError, compute_checksum, format_schema
from rm_local.store.sqlite.meta import StoreMeta, write_initial_meta
from rm_local.store.sqlite.open_checks import check_vec0_layout

if TYPE_CHECKING:
    import apsw

TEXTS, CODES = 1, 2
"""Ids in the table `zdict` of the zstandard dictionaries for texts and for ranking codes."""


class Chunk(NamedTuple):
    """A chunk of sqlite-vec's table `code`: CHUNK_SIZE slots for rows of one cluster, as stored.

    Unused slots are zero in all columns.
    """

    cluster: int
    validity: bytes
    """One bit per slot, the first slot in the lowest bit: 1 if the slot contains a row."""
    ids: bytes
    """Entry ids, a little-endian int64 per slot."""
    bits: bytes
    """Sign bits of the entries' vectors, d / 8 bytes per slot."""
    labels: bytes
    """Label numbers of the entries, a little-endian int64 per slot."""


def create_tables_and_meta(
    connection: apsw.Connection,
    path: Path,
    meta: StoreMeta,
    known_words: Collection[str],
    dictionary: bytes,
    code_dictionary: bytes,
) -> None:
    """Create the tables of an empty store, and write `meta` and the dictionaries into them.

    `dictionary` is for texts, `code_dictionary` for ranking codes. Runs in the current transaction.

    Raises:
        StoreVersionError: The installed sqlite-vec makes tables that rm-local cannot read.
    """
    connection.execute(format_schema(meta.embedder.dimension))
    check_vec0_layout(connection, path)
    write_initial_meta(connection, meta, pack_words(known_words))
    for number, data in ((TEXTS, dictionary), (CODES, code_dictionary)):
        connection.execute(
            "INSERT INTO zdict(id, d, crc) VALUES(?, ?, ?)",
            (number, data, compute_checksum(number, data)),
        )


def read_compression_dictionary(connection: apsw.Connection, number: int) -> bytes:
    """Return the zstandard dictionary `number`, TEXTS or CODES; empty if its sample was too small.

    Raises:
        DamagedError: The dictionary is missing or damaged.
    """
    row = connection.execute("SELECT d, crc FROM zdict WHERE id = ?", (number,)).fetchone()
    if row is None or compute_checksum(number, row[0]) != row[1]:
        raise DamagedError(f"dictionary {number} is missing or damaged")
    return bytes(row[0])


def append_chunks(connection: apsw.Connection, chunks: Sequence[Chunk]) -> None:
    """Append chunks to the table `code` by inserts into sqlite-vec's shadow tables."""
    last = int(connection.execute("SELECT coalesce(max(chunk_id), 0) FROM code_chunks").get)
    for number, each in enumerate(chunks, last + 1):
        connection.execute(
            "INSERT INTO code_chunks(chunk_id, size, partition00, validity, rowids)"
            " VALUES(?, ?, ?, ?, ?)",
            (number, CHUNK_SIZE, each.cluster, each.validity, each.ids),
        )
        # sqlite-vec looks these blobs up by the hidden rowid and by the column `rowid`.
        connection.execute(
            "INSERT INTO code_vector_chunks00(_rowid_, rowid, vectors) VALUES(?1, ?1, ?2)",
            (number, each.bits),
        )
        connection.execute(
            "INSERT INTO code_metadatachunks00(_rowid_, rowid, data) VALUES(?1, ?1, ?2)",
            (number, each.labels),
        )

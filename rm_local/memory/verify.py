"""Looking through a whole store for damage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rm_local.memory import rows
from rm_local.memory.format import BLOCK_ROWS, DamagedError
from rm_local.memory.packed import row_crc
from rm_local.memory.shelf import entries
from rm_local.memory.texts import Codec

if TYPE_CHECKING:
    import apsw

STEP = 4096
"""Entries looked at together."""

COUNTS = (
    ("entries", "SELECT count(*) FROM ref", "SELECT value FROM meta WHERE key = 'entries'"),
    (
        "rows added since the bulk build",
        "SELECT count(*) FROM text",
        "SELECT count(*) FROM ref WHERE id > (SELECT value FROM meta WHERE key = 'bulk')",
    ),
    (
        "deleted entries",
        "SELECT count(*) FROM tomb",
        # The ids below the first block's were given before the store was compacted.
        "SELECT (SELECT value FROM meta WHERE key = 'bulk')"
        f" - (SELECT coalesce(min(blk), 0) * {BLOCK_ROWS} FROM block) - count(*) FROM ref"
        " WHERE id <= (SELECT value FROM meta WHERE key = 'bulk')",
    ),
)
"""What is counted, and two statements that must give the same number."""


CHUNKS = """
    SELECT partition00, validity, rowids, data, vectors FROM code_chunks
    LEFT JOIN code_metadatachunks00 AS m ON m.rowid = chunk_id
    LEFT JOIN code_vector_chunks00 AS v ON v.rowid = chunk_id
"""


def faults(connection: apsw.Connection, codec: Codec) -> Iterator[str]:
    """What is wrong in the store, as sentences; nothing where all is well.

    SQLite's own check of every page, counts, each entry's text, each row's checksum.
    """
    for (found,) in connection.execute("PRAGMA integrity_check(20)"):
        if found != "ok":
            yield f"SQLite: {found}."
    for name, one, other in COUNTS:
        here, there = connection.execute(one).get, connection.execute(other).get
        if here != there:
            yield f"There are {here:,} {name}, and there should be {there:,}."
    yield from _text_faults(connection, codec)
    yield from _code_faults(connection)


def _text_faults(connection: apsw.Connection, codec: Codec) -> Iterator[str]:
    bulk = connection.execute("SELECT value FROM meta WHERE key = 'bulk'").get
    for first in range(1, rows.last(connection) + 1, STEP):
        ids = range(first, first + STEP)
        try:
            found = entries(connection, codec, bulk, ids)
        except DamagedError as error:
            yield f"Entries {first} to {first + STEP - 1}: {error}."
            continue
        if len(found) < len(rows.existing(connection, ids)):
            yield f"Entries {first} to {first + STEP - 1}: a label is missing."


def _code_faults(connection: apsw.Connection) -> Iterator[str]:
    """Each entry's bits are there once, and they and its codes are those that were written."""
    seen = np.zeros(rows.last(connection) + 1, dtype=bool)
    for cluster, *columns in connection.execute(CHUNKS):
        bits = _chunk(*columns)
        if bits is None:
            yield f"Cluster {cluster} has a chunk that cannot be read."
            continue
        for id, label, crc, code in connection.execute(
            "SELECT id, label, crc, v FROM ref WHERE id IN (SELECT value FROM json_each(?))",
            (rows.listed(bits),),
        ):
            held = bits[id]
            if held[0] != label or row_crc(id, label, cluster, held[1], code) != crc:
                yield f"Entry {id}: its vector is damaged."
            elif seen[id]:
                yield f"Entry {id}: its vector is there twice."
            seen[id] = True
    missing = rows.count(connection) - int(seen.sum())
    if missing:
        yield f"{missing:,} entries have no bits."


def _chunk(
    validity: bytes, ids: bytes, labels: bytes | None, bits: bytes | None
) -> dict[int, tuple[int, bytes]] | None:
    """Label and bits of the rows of a chunk, by id; None where its columns do not fit together."""
    if labels is None or bits is None:
        return None
    used = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
    if not len(used) * 8 == len(ids) == len(labels) or len(bits) % max(len(used), 1):
        return None
    width = len(bits) // max(len(used), 1)
    numbers, names = np.frombuffer(ids, "<i8").tolist(), np.frombuffer(labels, "<i8").tolist()
    return {
        numbers[place]: (names[place], bits[place * width : (place + 1) * width])
        for place in np.flatnonzero(used).tolist()
    }

"""Pending entries (table `fresh`): recently added, without a cluster and not in the word index.

Every search compares all of them with the query until they are assigned to clusters.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rm_local.store.codec.code_frames import RankingCodePacker, compute_row_checksum
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.format import NO_CLUSTER, DamagedError
from rm_local.store.index.centroids import Centroids
from rm_local.store.sqlite import tables

if TYPE_CHECKING:
    import apsw

MAX_PENDING_BATCH = 32
"""Maximum number of entries added by one call that become pending; those of a larger call get
clusters at once. Also the number of pending entries assigned together when there are too many."""

MAX_PENDING = 1024
"""Maximum number of pending entries; a search scans them in a tenth of a millisecond."""

OLDEST = """
    SELECT fresh.id, label, crc, v, bits, rare FROM fresh LEFT JOIN ref ON ref.id = fresh.id
    ORDER BY fresh.id LIMIT ?
"""


def count_pending(connection: apsw.Connection) -> int:
    """Return the number of pending entries, those not yet assigned to a cluster."""
    return int(connection.execute("SELECT count(*) FROM fresh").get)


def find_oldest_pending_id(connection: apsw.Connection) -> int | None:
    """Return the lowest id of a pending entry; None if no entry is pending."""
    found: int | None = connection.execute("SELECT min(id) FROM fresh").get
    return found


def exceeds_pending_limit(connection: apsw.Connection, last: int) -> bool:
    """Return whether more than MAX_PENDING entries have not yet been assigned to a cluster.

    `last` is the highest id ever given to an entry.
    """
    first = find_oldest_pending_id(connection)
    # Counting reads all their pages, so it is done only if there can be too many.
    return (
        first is not None
        and last - first >= MAX_PENDING
        and count_pending(connection) > MAX_PENDING
    )


def assign_and_index_oldest_pending(
    connection: apsw.Connection,
    centroids: Centroids,
    quantizer: Quantizer,
    packer: RankingCodePacker,
    most: int,
) -> int:
    """Assign pending entries to clusters and index their words; return the number of entries.

    These are the oldest ones, at most `most`. Runs in the current transaction.

    Raises:
        DamagedError: An entry does not match its checksum, and a new one would hide the damage.
    """
    found: list[tuple[Any, ...]] = connection.execute(OLDEST, (most,)).fetchall()
    if not found:
        return 0
    for id, label, crc, code, bits, _ in found:
        whole = isinstance(bits, bytes) and isinstance(code, bytes)
        if not whole or compute_row_checksum(id, label, NO_CLUSTER, bits, code) != crc:
            raise DamagedError(f"entry {id}: its vector is damaged")
    unit_vectors = quantizer.decode_to_unit_vectors(packer.unpack_rows(row[3] for row in found))
    placed = list(zip(centroids.assign_rows(unit_vectors).tolist(), found, strict=True))
    tables.insert_sign_bits(
        connection, [(id, cluster, label, bits) for cluster, (id, label, _, _, bits, _) in placed]
    )
    tables.insert_rare_words(connection, [(row[0], row[5]) for row in found])
    connection.executemany(
        "UPDATE ref SET crc = ? WHERE id = ?",
        [
            (compute_row_checksum(id, label, cluster, bits, code), id)
            for cluster, (id, label, _, code, bits, _) in placed
        ],
    )
    connection.execute("DELETE FROM fresh WHERE id <= ?", (found[-1][0],))
    return len(found)


def delete_pending(connection: apsw.Connection, ids: Collection[int]) -> set[int]:
    """Delete the pending entries among `ids` from the table `fresh`; return their ids.

    Their highest id is recorded in SQLite's sequence, so that a repair does not give it again.
    """
    found = connection.execute(
        "DELETE FROM fresh WHERE id IN (SELECT value FROM json_each(?)) RETURNING id",
        (tables.format_json_array(ids),),
    )
    dropped = {row[0] for row in found}
    if dropped:
        _increase_sqlite_id_sequence(connection, max(dropped))
    return dropped


def _increase_sqlite_id_sequence(connection: apsw.Connection, id: int) -> None:
    """Raise the highest id recorded in SQLite's sequence of `code_rowids` to at least `id`.

    A repair reads it if the highest id in `meta` is damaged.
    """
    name = "code_rowids"
    connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (id, name))
    if not connection.changes():
        connection.execute("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)", (name, id))

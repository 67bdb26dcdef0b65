"""The table `fresh`: entries added in small calls, which have neither a cluster nor their words in
the index yet. Searches look through all of it until they are settled."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rm_local.store.codec.code_frames import CodePacker, row_crc
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.format import NO_CLUSTER, DamagedError
from rm_local.store.index.centroids import Centroids
from rm_local.store.sqlite import tables

if TYPE_CHECKING:
    import apsw

MAX_PENDING_BATCH = 32
"""Entries of one call that become fresh, at most; of more all get their clusters at once. As many
are settled when there are too many."""

MAX_PENDING = 1024
"""Fresh entries that there are, at most: a search compares them in a tenth of a millisecond."""

OLDEST = """
    SELECT fresh.id, label, crc, v, bits, rare FROM fresh LEFT JOIN ref ON ref.id = fresh.id
    ORDER BY fresh.id LIMIT ?
"""


def count_pending(connection: apsw.Connection) -> int:
    """How many there are."""
    return int(connection.execute("SELECT count(*) FROM fresh").get)


def find_oldest(connection: apsw.Connection) -> int | None:
    """The lowest id among them; None where there are none."""
    found: int | None = connection.execute("SELECT min(id) FROM fresh").get
    return found


def exceeds_limit(connection: apsw.Connection, last: int) -> bool:
    """Whether there are more than MOST, `last` being the highest id ever given."""
    first = find_oldest(connection)
    # They are counted, which reads all their pages, only where there may be so many.
    return (
        first is not None
        and last - first >= MAX_PENDING
        and count_pending(connection) > MAX_PENDING
    )


def assign_pending(
    connection: apsw.Connection,
    centroids: Centroids,
    quantizer: Quantizer,
    packer: CodePacker,
    most: int,
) -> int:
    """Give the `most` oldest clusters, and their words to the index; how many there were.

    In the running transaction. DamagedError: one is not as it was written, which a new checksum
    would hide.
    """
    found: list[tuple[Any, ...]] = connection.execute(OLDEST, (most,)).fetchall()
    if not found:
        return 0
    for id, label, crc, code, bits, _ in found:
        whole = isinstance(bits, bytes) and isinstance(code, bytes)
        if not whole or row_crc(id, label, NO_CLUSTER, bits, code) != crc:
            raise DamagedError(f"entry {id}: its vector is damaged")
    unit = quantizer.from_int8(packer.unpack_rows(row[3] for row in found))
    placed = list(zip(centroids.assign_rows(unit).tolist(), found, strict=True))
    tables.insert_bits(
        connection, [(id, cluster, label, bits) for cluster, (id, label, _, _, bits, _) in placed]
    )
    tables.insert_words(connection, [(row[0], row[5]) for row in found])
    connection.executemany(
        "UPDATE ref SET crc = ? WHERE id = ?",
        [
            (row_crc(id, label, cluster, bits, code), id)
            for cluster, (id, label, _, code, bits, _) in placed
        ],
    )
    connection.execute("DELETE FROM fresh WHERE id <= ?", (found[-1][0],))
    return len(found)


def delete_pending(connection: apsw.Connection, ids: Collection[int]) -> set[int]:
    """Delete those of `ids` that are fresh; which they are."""
    found = connection.execute(
        "DELETE FROM fresh WHERE id IN (SELECT value FROM json_each(?)) RETURNING id",
        (tables.json_array(ids),),
    )
    dropped = {row[0] for row in found}
    if dropped:
        _record_id(connection, max(dropped))
    return dropped


def _record_id(connection: apsw.Connection, id: int) -> None:
    """Have sqlite-vec's own sequence know an id that it was never given: a repair that finds `last`
    damaged asks it for the highest."""
    name = "code_rowids"
    connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (id, name))
    if not connection.changes():
        connection.execute("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)", (name, id))

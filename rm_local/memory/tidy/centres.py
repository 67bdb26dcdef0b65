"""The table of cluster centres, changed in place, and what goes with it in `meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.memory import rows
from rm_local.memory.bulk.write import default_dial
from rm_local.memory.codes import Floats
from rm_local.memory.format import DamagedError
from rm_local.memory.tidy.work import number, put, raise_by

if TYPE_CHECKING:
    import apsw


def count(connection: apsw.Connection, dimension: int) -> int:
    """How many clusters there are."""
    found = connection.execute("SELECT coalesce(sum(length(v)), 0) FROM centroid").get
    return int(found) // (2 * dimension)


def append(connection: apsw.Connection, centre: Floats) -> int:
    """Add a centre, (d,), in a row of its own behind the others; its cluster's number."""
    cluster = count(connection, len(centre))
    connection.execute(
        "INSERT INTO centroid(blk, v) SELECT max(blk) + 1, ? FROM centroid", (_blob(centre),)
    )
    return cluster


def replace(connection: apsw.Connection, cluster: int, centre: Floats) -> None:
    """Put `centre`, (d,), in the place of a cluster's. DamagedError: there is no such cluster."""
    new = _blob(centre)
    start = cluster * len(new)
    for blk, length in connection.execute("SELECT blk, length(v) FROM centroid ORDER BY blk"):
        if start < length:
            old = connection.execute("SELECT v FROM centroid WHERE blk = ?", (blk,)).get
            changed = old[:start] + new + old[start + len(new) :]
            connection.execute("UPDATE centroid SET v = ? WHERE blk = ?", (changed, blk))
            return
        start -= length
    raise DamagedError(f"there is no cluster {cluster}")


def note_change(connection: apsw.Connection, before: int, now: int) -> None:
    """There are `now` clusters, and there were `before`: open stores must read them again.

    The dial follows, unless it was set to something else than its default.
    """
    raise_by(connection, "generation", 1)
    entries = rows.count(connection)
    usual, dial = default_dial(entries, before), default_dial(entries, now)
    if not before or number(connection, "probes") == usual[0]:
        put(connection, "probes", dial[0])
    if not before:
        put(connection, "candidates", dial[1])


def _blob(centre: Floats) -> bytes:
    return centre.astype("<f2").tobytes()

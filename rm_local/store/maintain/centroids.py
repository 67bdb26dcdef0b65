"""The table of cluster centres, changed in place, and what goes with it in `meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.store.codec.quantize import Floats
from rm_local.store.format import DamagedError, checksum
from rm_local.store.maintain.task import raise_by
from rm_local.store.sqlite.meta import default_dial, number, put, read

if TYPE_CHECKING:
    import apsw


def count(connection: apsw.Connection) -> int:
    """How many clusters there are."""
    return number(connection, "clusters")


def append(connection: apsw.Connection, centre: Floats) -> int:
    """Add a centre, (d,), in a row of its own behind the others; its cluster's number."""
    cluster = count(connection)
    blk = int(connection.execute("SELECT max(blk) + 1 FROM centroid").get)
    _write(connection, blk, _blob(centre))
    put(connection, "clusters", cluster + 1)
    return cluster


def replace(connection: apsw.Connection, cluster: int, centre: Floats) -> None:
    """Put `centre`, (d,), in the place of a cluster's.

    DamagedError: there is no such cluster, or its row is not as it was written.
    """
    new = _blob(centre)
    start = cluster * len(new)
    for blk, length in connection.execute("SELECT blk, length(v) FROM centroid ORDER BY blk"):
        if start < length:
            old, crc = connection.execute("SELECT v, crc FROM centroid WHERE blk = ?", (blk,)).get
            if checksum(blk, old) != crc:
                raise DamagedError(f"centroids {blk} are not as they were written")
            _write(connection, blk, old[:start] + new + old[start + len(new) :])
            return
        start -= length
    raise DamagedError(f"there is no cluster {cluster}")


def note_change(connection: apsw.Connection, before: int, now: int) -> None:
    """There are `now` clusters, and there were `before`: open stores must read them again.

    The clusters that a search asks grow in proportion, in fractions.
    """
    raise_by(connection, "generation", 1)
    if before:
        put(connection, "probes", float(read(connection, "probes")) * now / before)
        return
    for key, value in default_dial(now).values().items():
        put(connection, key, value)


def _write(connection: apsw.Connection, blk: int, blob: bytes) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO centroid(blk, v, crc) VALUES(?, ?, ?)",
        (blk, blob, checksum(blk, blob)),
    )


def _blob(centre: Floats) -> bytes:
    return centre.astype("<f2").tobytes()

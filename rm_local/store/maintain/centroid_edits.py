"""Appends and replaces the centroids of a store, and updates the values in `meta` that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.arrays import Floats
from rm_local.store.format import DamagedError, compute_checksum
from rm_local.store.maintain.task import increase_meta_number
from rm_local.store.sqlite.meta import (
    get_default_search_params,
    read_meta_number,
    read_meta_value,
    write_meta_value,
)

if TYPE_CHECKING:
    import apsw


def count_clusters(connection: apsw.Connection) -> int:
    """Return the number of clusters in the store, as recorded in `meta`."""
    return read_meta_number(connection, "clusters")


def add_cluster_with_centroid(connection: apsw.Connection, centroid: Floats) -> int:
    """Add a cluster with this centroid, in a super-cluster of its own; return its number."""
    cluster = count_clusters(connection)
    blk = int(connection.execute("SELECT max(blk) + 1 FROM centroid").get)
    _write_centroid_block(connection, blk, _encode_centroid(centroid))
    write_meta_value(connection, "clusters", cluster + 1)
    return cluster


def replace_centroid(connection: apsw.Connection, cluster: int, centroid: Floats) -> None:
    """Replace the stored centroid of the cluster with the number `cluster` by `centroid`.

    Raises:
        DamagedError: There is no such cluster, or its row is damaged.
    """
    new = _encode_centroid(centroid)
    start = cluster * len(new)
    for blk, length in connection.execute("SELECT blk, length(v) FROM centroid ORDER BY blk"):
        if start < length:
            old, crc = connection.execute("SELECT v, crc FROM centroid WHERE blk = ?", (blk,)).get
            if compute_checksum(blk, old) != crc:
                raise DamagedError(f"centroids {blk} are not as they were written")
            _write_centroid_block(connection, blk, old[:start] + new + old[start + len(new) :])
            return
        start -= length
    raise DamagedError(f"there is no cluster {cluster}")


def update_generation_and_search_params(connection: apsw.Connection, before: int, now: int) -> None:
    """Record in `meta` that centroids changed, and adjust the search parameters.

    `before` and `now` are the numbers of clusters. Open stores then read the centroids again. The
    number of clusters that a search scans changes in proportion, also to a fraction; for the first
    clusters (`before` = 0) all search parameters get their defaults.
    """
    increase_meta_number(connection, "generation", 1)
    if before:
        write_meta_value(
            connection, "probes", float(read_meta_value(connection, "probes")) * now / before
        )
        return
    for key, value in get_default_search_params(now).to_meta_values().items():
        write_meta_value(connection, key, value)


def _write_centroid_block(connection: apsw.Connection, blk: int, blob: bytes) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO centroid(blk, v, crc) VALUES(?, ?, ?)",
        (blk, blob, compute_checksum(blk, blob)),
    )


def _encode_centroid(centroid: Floats) -> bytes:
    return centroid.astype("<f2").tobytes()

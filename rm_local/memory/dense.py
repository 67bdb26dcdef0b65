"""The vector leg: the rows whose bits are nearest, in all rows or in the nearest clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rm_local.memory.codes import Floats
from rm_local.memory.format import DamagedError
from rm_local.memory.rows import Names, listed

if TYPE_CHECKING:
    import apsw

Ids = NDArray[np.int64]

MOST_CANDIDATES = 4096
"""sqlite-vec's own limit of rows for one partition."""

FIRST_BATCH, GROWTH = 2, 2
"""Clusters in the first statement, and how many times more in each next one: the sooner a limit is
known, the fewer rows sqlite-vec sorts (STORE 1.3)."""

ALL = "SELECT id, distance FROM code WHERE e MATCH vec_bit(:bits) AND k = :k"
WITHIN = f"""{ALL} AND distance < :limit
    AND cid IN (SELECT value FROM json_each(:clusters))"""


def read_centroids(connection: apsw.Connection, dimension: int) -> Floats:
    """The cluster centres, (clusters, d), rows of about length 1; no row in a small store.

    DamagedError: a blob has an impossible length.
    """
    blobs = [row[0] for row in connection.execute("SELECT v FROM centroid ORDER BY blk")]
    if any(len(blob) % (2 * dimension) for blob in blobs):
        raise DamagedError("centroids have an impossible length")
    halves = np.frombuffer(b"".join(blobs), dtype="<f2").reshape(-1, dimension)
    return np.asarray(halves, dtype=np.float32)


def nearest_clusters(centroids: Floats, unit: Floats) -> Ids:
    """For each row of `unit`, (n, d), its nearest cluster: (n,); 0 where there are no clusters."""
    if not len(centroids):
        return np.zeros(len(unit), np.int64)
    return np.asarray(np.argmax(unit @ centroids.T, axis=1), dtype=np.int64)


def clusters_to_ask(centroids: Floats, query: Floats, probes: int, slack: float) -> Ids:
    """The `probes` clusters nearest to `query`, (d,), best first.

    Left out are those further away than 1 + `slack` times the nearest, in Euclidean distance: an
    easy query needs fewer (SPANN, Chen et al. 2021, section 3.3).
    """
    similarity = centroids @ query
    probes = min(probes, len(similarity))
    best = np.argpartition(-similarity, probes - 1)[:probes]
    best = best[np.argsort(-similarity[best], kind="stable")]
    distance = np.sqrt(np.maximum(2 - 2 * similarity[best], 0))
    return np.asarray(best[distance <= (1 + slack) * distance[0]], dtype=np.int64)


def near(connection: apsw.Connection, bits: bytes, wanted: int, names: Names) -> set[int]:
    """Ids of the `wanted` rows whose bits differ least from `bits`, in a store without clusters."""
    values = {"bits": bits, "k": min(wanted, MOST_CANDIDATES), **names.values}
    return {row[0] for row in connection.execute(ALL + names.condition, values)}


def near_within(
    connection: apsw.Connection, bits: bytes, wanted: int, names: Names, clusters: Ids
) -> set[int]:
    """Ids of the `wanted` rows of `clusters`, asked in this order, whose bits differ least.

    Each statement asks twice as many clusters as the one before, for rows nearer than the worst
    of those found so far.
    """
    wanted = min(wanted, MOST_CANDIDATES)
    ids, distances = np.empty(0, np.int64), np.empty(0, np.float64)
    limit = 8.0 * len(bits) + 1
    for batch in _batches(clusters):
        values = {"bits": bits, "k": wanted, "limit": limit, "clusters": listed(batch.tolist())}
        rows = connection.execute(WITHIN + names.condition, {**values, **names.values}).fetchall()
        if not rows:
            continue
        found = np.array(rows, dtype=np.float64)
        ids = np.concatenate([ids, found[:, 0].astype(np.int64)])
        distances = np.concatenate([distances, found[:, 1]])
        if len(ids) > wanted:
            kept = np.argpartition(distances, wanted - 1)[:wanted]
            ids, distances = ids[kept], distances[kept]
            limit = float(distances.max())
    return set(ids.tolist())


def _batches(clusters: Ids) -> Iterator[Ids]:
    start, size = 0, FIRST_BATCH
    while start < len(clusters):
        yield clusters[start : start + size]
        start, size = start + size, size * GROWTH

"""The vector leg: the rows whose bits are nearest, in all rows or in the nearest clusters."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rm_local.memory.codes import Floats
from rm_local.memory.format import DamagedError
from rm_local.memory.readers import Readers
from rm_local.memory.rows import Names

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
    AND cid IN (SELECT value FROM carray(:clusters))"""


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


def near(connection: apsw.Connection, bits: bytes, wanted: int, names: Names) -> Ids:
    """Ids of the `wanted` rows whose bits differ least from `bits`, in a store without clusters."""
    values = {"bits": bits, "k": min(wanted, MOST_CANDIDATES), **names.values}
    rows = connection.execute(ALL + names.condition, values).fetchall()
    return np.array([row[0] for row in rows], np.int64)


def near_within(readers: Readers, bits: bytes, wanted: int, names: Names, clusters: Ids) -> Ids:
    """Ids of the `wanted` rows of `clusters`, asked in this order, whose bits differ least.

    Each statement asks twice as many clusters as the one before, for rows nearer than the worst
    of those found so far by any reader.
    """
    import apsw

    best = Best(min(wanted, MOST_CANDIDATES), 8.0 * len(bits) + 1)
    batches = Batches(clusters)

    def work(connection: apsw.Connection) -> None:
        values: dict[str, Any] = {"bits": bits, "k": best.wanted, **names.values}
        while len(batch := batches.next()):
            values |= {"limit": best.limit, "clusters": apsw.carray(batch)}
            best.add(connection.execute(WITHIN + names.condition, values).fetchall())

    readers.share(work)
    return best.ids


class Best:
    """The `wanted` nearest of the rows found so far; threads may add to it."""

    def __init__(self, wanted: int, limit: float) -> None:
        self.wanted = wanted
        self.limit = limit
        """Rows as far away as this, or further, are not wanted any more."""
        self.ids: Ids = np.empty(0, np.int64)
        self._distances = np.empty(0, np.float64)
        self._lock = Lock()

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Take these ids with their distances into account."""
        if not rows:
            return
        found = np.array(rows, dtype=np.float64)
        with self._lock:
            ids = np.concatenate([self.ids, found[:, 0].astype(np.int64)])
            distances = np.concatenate([self._distances, found[:, 1]])
            if len(ids) > self.wanted:
                kept = np.argpartition(distances, self.wanted - 1)[: self.wanted]
                ids, distances = ids[kept], distances[kept]
                self.limit = float(distances.max())
            self.ids, self._distances = ids, distances


class Batches:
    """Clusters in growing batches, each given to one thread."""

    def __init__(self, clusters: Ids) -> None:
        self._left = clusters
        self._size = FIRST_BATCH
        self._lock = Lock()

    def next(self) -> Ids:
        """The next ones; empty when all are given out."""
        with self._lock:
            batch, self._left = self._left[: self._size], self._left[self._size :]
            self._size *= GROWTH
        return batch

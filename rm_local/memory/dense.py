"""The vector leg: the rows whose bits are nearest, in all rows or in the nearest clusters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rm_local.memory import meta
from rm_local.memory.clusters import Clusters
from rm_local.memory.codes import Floats, products
from rm_local.memory.format import DamagedError, checksum
from rm_local.memory.readers import Readers
from rm_local.memory.rows import Names

if TYPE_CHECKING:
    import apsw

Ids = NDArray[np.int64]

MOST_CANDIDATES = 4096
"""sqlite-vec's own limit of rows for one partition."""

MANY_CENTRES, NEAR_SHARE = 8192, 0.3

ID_BITS = 48
ID_MASK = (1 << ID_BITS) - 1

FIRST_BATCH, GROWTH, LARGEST_BATCH = 2, 2, 32
"""Clusters in the first statement, how many times more in each next one, and at most: the sooner a
limit is known, the fewer rows sqlite-vec sorts (STORE 1.3), and two readers end together."""

ALL = f"""SELECT group_concat(CAST(distance AS INTEGER) << {ID_BITS} | id) FROM code
    WHERE e MATCH vec_bit(:bits) AND k = :k"""
WITHIN = f"""{ALL} AND distance <= :limit
    AND cid IN (SELECT value FROM carray(:clusters))"""

FRESH = f"""SELECT group_concat(CAST(distance AS INTEGER) << {ID_BITS} | id) FROM (
        SELECT id, (SELECT label FROM ref WHERE ref.id = fresh.id) AS label,
            vec_distance_hamming(vec_bit(bits), vec_bit(:bits)) AS distance
        FROM fresh)
    WHERE distance <= :limit"""


def read_centres(connection: apsw.Connection, dimension: int) -> Centres:
    """The cluster centres of a store.

    DamagedError: a blob is missing or not as it was written.
    """
    rows = np.empty((meta.number(connection, "clusters"), dimension), np.float32)
    starts = [0]
    for number, blob, crc in connection.execute("SELECT blk, v, crc FROM centroid ORDER BY blk"):
        if checksum(number, blob) != crc:
            raise DamagedError(f"centroids {number} are not as they were written")
        part = np.frombuffer(blob, dtype="<f2").reshape(-1, dimension)
        starts.append(starts[-1] + len(part))
        if starts[-1] > len(rows):
            break
        # Straight into their place: there are 100 MB of them at 32 million rows.
        rows[starts[-2] : starts[-1]] = part
    if starts[-1] != len(rows):
        raise DamagedError("centroids are missing")
    return Centres.of(rows, np.array(starts, np.int64))


@dataclass(frozen=True)
class Centres:
    """The cluster centres, and the super-clusters in which they lie."""

    rows: Floats
    """(clusters, d), of about length 1; none in a small store."""
    starts: Ids
    """(supers + 1,): super-cluster i has the clusters from `starts[i]` to `starts[i + 1]`."""
    supers: Floats
    """(supers, d), the means of their centres, of length 1."""

    @classmethod
    def of(cls, rows: Floats, starts: Ids) -> Centres:
        """From the centres, and where each super-cluster begins and the last one ends."""
        means = np.zeros((len(starts) - 1, rows.shape[1]), np.float32)
        for number, (start, end) in enumerate(pairwise(starts.tolist())):
            means[number] = rows[start:end].mean(axis=0)
        lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return cls(rows, starts, means / lengths)

    def __len__(self) -> int:
        return len(self.rows)

    def nearest(self, unit: Floats) -> Ids:
        """For each row of `unit`, (n, d), its cluster, found as a bulk build does: (n,).

        0 where there are no clusters.
        """
        if not len(self.rows):
            return np.zeros(len(unit), np.int64)
        return Clusters(self.supers, self.rows, self.starts).assign(unit)

    def similarities(self, query: Floats) -> Floats:
        """Cosines of all centres with `query`, (d,); of those in far super-clusters -1.

        Where there are many, the nearest 30 % of the super-clusters are looked into: the clusters
        of 99.85 % of the true ten nearest are in them (docs/experiments.md).
        """
        if len(self.rows) < MANY_CENTRES:
            return products(self.rows, query)
        found = np.full(len(self.rows), -1, np.float32)
        order = np.argsort(-(self.supers @ query))
        for number in order[: round(NEAR_SHARE * len(order))].tolist():
            part = slice(self.starts[number], self.starts[number + 1])
            np.dot(self.rows[part], query, out=found[part])
        return found


def clusters_to_ask(similarity: Floats, probes: int, slack: float) -> Ids:
    """The `probes` clusters nearest to a query, best first, by its `similarity` to each centre.

    Left out are those further away than 1 + `slack` times the nearest, in Euclidean distance: an
    easy query needs fewer (SPANN, Chen et al. 2021, section 3.3).
    """
    probes = min(probes, len(similarity))
    best = np.argpartition(-similarity, probes - 1)[:probes]
    best = best[np.argsort(-similarity[best], kind="stable")]
    distance = np.sqrt(np.maximum(2 - 2 * similarity[best], 0))
    return np.asarray(best[distance <= (1 + slack) * distance[0]], dtype=np.int64)


def near(connection: apsw.Connection, bits: bytes, wanted: int, names: Names) -> Ids:
    """Keys of the `wanted` rows whose bits differ least from `bits`, in a store without clusters.

    A key is distance and id in one number, `distance << ID_BITS | id`; nearest first.
    """
    values = {"bits": bits, "k": min(wanted, MOST_CANDIDATES), **names.values}
    found = _keys(connection.execute(ALL + names.condition, values).get)
    fresh = near_fresh(connection, bits, 8 * len(bits), names)
    return np.sort(np.concatenate([found, fresh]))[: values["k"]]


def near_fresh(connection: apsw.Connection, bits: bytes, limit: float, names: Names) -> Ids:
    """Keys of the entries without a cluster whose bits differ from `bits` in at most `limit`."""
    values = {"bits": bits, "limit": limit, **names.values}
    return _keys(connection.execute(FRESH + names.condition, values).get)


def near_within(
    readers: Readers, bits: bytes, wanted: int, names: Names, clusters: Ids, limit: int
) -> Ids:
    """Keys of the `wanted` rows of `clusters`, asked in this order, whose bits differ least.

    Entries that have no cluster yet are taken for rows of each.

    Each statement asks for rows no further away than the worst of those found so far by any
    reader, and than `limit` bits where it is not 0: then there may be fewer than `wanted`. When
    there are fewer than half, all are asked again without it.
    """
    import apsw

    best = Best(min(wanted, MOST_CANDIDATES), limit or 8 * len(bits))
    best.add(near_fresh(readers.first, bits, best.limit, names))
    batches = Batches(clusters, LARGEST_BATCH if limit else FIRST_BATCH)

    def work(connection: apsw.Connection) -> None:
        values: dict[str, Any] = {"bits": bits, "k": best.wanted, **names.values}
        while len(batch := batches.next()):
            values |= {"limit": best.limit, "clusters": apsw.carray(batch)}
            best.add(_keys(connection.execute(WITHIN + names.condition, values).get))

    readers.share(work)
    if limit and len(best) < best.wanted / 2:
        return near_within(readers, bits, wanted, names, clusters, 0)
    return best.keys


def _keys(listed: str | None) -> Ids:
    """Keys out of one text: a row each would have two readers wait for Python's lock in turns."""
    return np.fromstring(listed or "", np.int64, sep=",")


class Best:
    """The `wanted` nearest of the rows found so far; threads may add to it."""

    def __init__(self, wanted: int, limit: float) -> None:
        self.wanted = wanted
        self.limit = limit
        """Rows further away than this are not wanted any more."""
        self._keys: Ids = np.empty(0, np.int64)
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def keys(self) -> Ids:
        """Distance and id of each row found, in one number, nearest first.

        Of rows as far away as the limit the lowest ids are kept, so that the answer does not
        depend on which thread was first.
        """
        return np.sort(self._keys)

    def add(self, found: Ids) -> None:
        """Take these keys into account."""
        with self._lock:
            keys = np.concatenate([self._keys, found])
            if len(keys) > self.wanted:
                keys = np.partition(keys, self.wanted - 1)[: self.wanted]
                self.limit = float(keys[-1] >> ID_BITS)
            self._keys = keys


class Batches:
    """Clusters in growing batches, each given to one thread."""

    def __init__(self, clusters: Ids, first: int) -> None:
        self._left = clusters
        self._size = first
        self._lock = Lock()

    def next(self) -> Ids:
        """The next ones; empty when all are given out."""
        with self._lock:
            batch, self._left = self._left[: self._size], self._left[self._size :]
            self._size = min(self._size * GROWTH, LARGEST_BATCH)
        return batch

"""Reads and writes the centroids of a store's clusters, and compares vectors with them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.store.codec.quantize import compute_inner_products
from rm_local.store.format import DamagedError, compute_checksum
from rm_local.store.index.kmeans import TwoLevelCentroids
from rm_local.store.sqlite import meta

if TYPE_CHECKING:
    import apsw

CLUSTER_ROWS = 500
"""Approximate rows per cluster. With 1,000, the same recall at 32 million rows takes two and a half
times as many comparisons (docs/measurements/store.md)."""

ROWS_FOR_A_CLUSTER = 10
"""Minimum number of sample rows per cluster for k-means: 640,000 rows or 1 GB for a store of 32
million rows."""

MANY_CENTROIDS, NEAR_SHARE = 8192, 0.3
"""With MANY_CENTROIDS or more centroids a query is compared only with those in the nearest
super-clusters, the share NEAR_SHARE of all super-clusters."""


@dataclass(frozen=True)
class Centroids:
    """The centroids of a store's clusters, and of super-clusters, which are groups of clusters."""

    rows: Floats
    """An array (clusters, d) with rows of length about 1; no rows in a small store."""
    starts: Ids
    """An array (supers + 1,): super-cluster i has clusters `starts[i]` to `starts[i + 1] - 1`."""
    supers: Floats
    """An array (supers, d): the mean of each super-cluster's centroids, scaled to length 1."""

    @classmethod
    def from_centroid_rows(cls, rows: Floats, starts: Ids) -> Centroids:
        """Make an instance from the centroids `rows` and the bounds `starts` of super-clusters."""
        means = np.zeros((len(starts) - 1, rows.shape[1]), np.float32)
        for number, (start, end) in enumerate(pairwise(starts.tolist())):
            means[number] = rows[start:end].mean(axis=0)
        lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return cls(rows, starts, means / lengths)

    def __len__(self) -> int:
        return len(self.rows)

    def assign_rows(self, unit_vectors: Floats) -> Ids:
        """Return the number of the nearest cluster for each row of `unit_vectors`: an array (n,).

        All are 0 if the store has no clusters.
        """
        if not len(self.rows):
            return np.zeros(len(unit_vectors), np.int64)
        return TwoLevelCentroids(self.supers, self.rows, self.starts).assign_rows(unit_vectors)

    def compute_similarities_skipping_far(self, query: Floats) -> Floats:
        """Return the cosine of each centroid with the unit vector `query`: an array (clusters,).

        With MANY_CENTROIDS or more, centroids outside the nearest 30 % of the super-clusters are
        not compared and get -1. The others contain the clusters of 99.85 % of the true ten nearest
        rows (docs/measurements/store.md).
        """
        if len(self.rows) < MANY_CENTROIDS:
            return compute_inner_products(self.rows, query)
        found = np.full(len(self.rows), -1, np.float32)
        order = np.argsort(-(self.supers @ query))
        for number in order[: round(NEAR_SHARE * len(order))].tolist():
            part = slice(self.starts[number], self.starts[number + 1])
            np.dot(self.rows[part], query, out=found[part])
        return found


def read_centroids(connection: apsw.Connection, dimension: int) -> Centroids:
    """Read all centroids of a store, vectors of `dimension` components.

    Raises:
        DamagedError: A row of the table `centroid` is missing or damaged.
    """
    rows = np.empty((meta.read_meta_number(connection, "clusters"), dimension), np.float32)
    starts = [0]
    for number, blob, crc in connection.execute("SELECT blk, v, crc FROM centroid ORDER BY blk"):
        if compute_checksum(number, blob) != crc:
            raise DamagedError(f"centroid block {number} is damaged")
        part = np.frombuffer(blob, dtype="<f2").reshape(-1, dimension)
        starts.append(starts[-1] + len(part))
        if starts[-1] > len(rows):
            break
        # Into the final array, without a copy: 100 MB at 32 million rows.
        rows[starts[-2] : starts[-1]] = part
    if starts[-1] != len(rows):
        raise DamagedError("centroids are missing")
    return Centroids.from_centroid_rows(rows, np.array(starts, np.int64))


def write_centroids_and_cluster_count(
    connection: apsw.Connection, clusters: TwoLevelCentroids
) -> None:
    """Fill the empty table `centroid`, a row per super-cluster, and write `clusters` in `meta`."""
    for number, (start, end) in enumerate(pairwise(clusters.starts.tolist())):
        blob = clusters.centroids[start:end].astype("<f2").tobytes()
        connection.execute(
            "INSERT INTO centroid(blk, v, crc) VALUES(?, ?, ?)",
            (number, blob, compute_checksum(number, blob)),
        )
    meta.write_meta_value(connection, "clusters", len(clusters.centroids))

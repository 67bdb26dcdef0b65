"""Splits clusters with too many rows into two, because a search scans whole clusters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rm_local.store.format import CHUNK_SIZE
from rm_local.store.index.kmeans import find_nearest_centroids, run_spherical_k_means
from rm_local.store.maintain import centroid_edits
from rm_local.store.maintain.move_rows import Cluster
from rm_local.store.maintain.task import ConnectionWithCodecs

LARGEST = 4000
"""Maximum rows of a cluster that is not split: eight times the usual number, so that its scan takes
eight times as long."""

LEAST_SHARE = 1 / 16
"""Minimum share of a cluster's rows in each of its halves; otherwise it is not split."""


class SplitClustersTask:
    """Maintenance task that splits clusters of more than `largest` rows, by 2-means of the vectors.

    One half keeps the cluster's number, the other gets the next free one; both get new centroids.
    Sign bits of deleted entries are removed.
    """

    name = "clusters too large"

    def __init__(self, tools: ConnectionWithCodecs, largest: int = LARGEST) -> None:
        self._tools, self._connection = tools, tools.connection
        self._largest = largest
        self._whole: set[int] = set()

    def count_remaining_work(self) -> int:
        """Return the number of clusters that have too many rows and can be split."""
        return sum(1 for _ in self._find_splittable_clusters())

    def run_step(self, until: float) -> dict[str, int]:
        """Split one cluster; return whether it was split, as numbers by description.

        Empty if no cluster is too large.
        """
        for number in self._find_splittable_clusters():
            split = self._split_cluster_or_drop_deleted(
                Cluster.read_without_deleted(self._tools, number)
            )
            return {"clusters parted": int(split), "clusters left whole": int(not split)}
        return {}

    def _find_splittable_clusters(self) -> Iterator[int]:
        """Yield the numbers of clusters of more than `largest` rows.

        Those that this task has already found impossible to split are left out.
        """
        if not centroid_edits.count_clusters(self._connection):
            return
        # Chunks are counted in the index; validity is read for few clusters only.
        candidates = self._connection.execute(
            "SELECT partition00 FROM code_chunks GROUP BY partition00 HAVING count(*) * ? > ?",
            (CHUNK_SIZE, self._largest),
        )
        for (number,) in list(candidates):
            if number not in self._whole and self._count_used_slots(number) > self._largest:
                yield number

    def _count_used_slots(self, number: int) -> int:
        """Return the number of used slots in the chunks of a cluster, deleted rows included."""
        found = self._connection.execute(
            "SELECT validity FROM code_chunks WHERE partition00 = ?", (number,)
        )
        return sum(int.from_bytes(row[0], "little").bit_count() for row in found)

    def _split_cluster_or_drop_deleted(self, cluster: Cluster) -> bool:
        """Split a cluster in two; return whether it was split.

        It is left whole, and not tried again by this task, if one half would be too small. A
        cluster that is too large only by rows of deleted entries is rewritten without them.
        """
        size = len(cluster.rows)
        if size <= self._largest:
            # It was too large only with bits of deleted entries.
            cluster.move_rows_to_empty_clusters(np.full(size, cluster.number))
            return False
        vectors = cluster.read_vectors(np.arange(size))
        halves = run_spherical_k_means(vectors, 2, np.random.default_rng(cluster.number))
        chosen = find_nearest_centroids(vectors, halves)
        if min(np.bincount(chosen, minlength=2)) < LEAST_SHARE * size:
            self._whole.add(cluster.number)
            return False
        centroid_edits.replace_centroid(self._connection, cluster.number, halves[0])
        new = centroid_edits.add_cluster_with_centroid(self._connection, halves[1])
        cluster.move_rows_to_empty_clusters(np.where(chosen == 0, cluster.number, new))
        centroid_edits.update_generation_and_search_params(self._connection, new, new + 1)
        return True

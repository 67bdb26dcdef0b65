"""The first clusters of a store that has grown by additions alone."""

from __future__ import annotations

import numpy as np

from rm_local.store.index.centroids import CLUSTER_ROWS, ROWS_FOR_A_CLUSTER, write_centroids
from rm_local.store.index.kmeans import find_clusters, find_nearest_centroids
from rm_local.store.maintain import centroid_edits
from rm_local.store.maintain.move_rows import STEP, Cluster
from rm_local.store.maintain.task import Tools
from rm_local.store.sqlite import tables

ENOUGH = 20_000
"""Entries from which on asking some of the clusters is quicker than comparing all bits."""

MOST = 100_000
"""Entries that one transaction clusters, in two or three seconds; more take a build."""

SAMPLED = 8000
"""Entries at least that the clusters are found on."""


class FirstClusters:
    """Parts the entries of a store without clusters into some, all in one transaction."""

    name = "entries without clusters"

    def __init__(self, tools: Tools, enough: int = ENOUGH, most: int = MOST) -> None:
        self._tools, self._connection = tools, tools.connection
        self._enough, self._most = enough, most

    @property
    def too_many(self) -> bool:
        """Whether there are none and more entries than can be given some here."""
        return self.left() > self._most

    def left(self) -> int:
        """Entries; 0 where they are so few that they need no clusters."""
        entries = tables.count_entries(self._connection)
        if entries <= self._enough or centroid_edits.count_clusters(self._connection):
            return 0
        return entries

    def step(self, until: float) -> dict[str, int]:
        """All of them."""
        entries = self.left()
        if not entries or entries > self._most:
            return {}
        cluster = Cluster.read(self._tools, 0)
        size = len(cluster.rows)
        rng = np.random.default_rng(0)
        wanted = max(1, size // CLUSTER_ROWS)
        few = rng.choice(size, min(size, max(ROWS_FOR_A_CLUSTER * wanted, SAMPLED)), replace=False)
        found = find_clusters(cluster.vectors(few), wanted, rng)
        chosen = [
            find_nearest_centroids(
                cluster.vectors(np.arange(start, min(start + STEP, size))), found.centroids
            )
            for start in range(0, size, STEP)
        ]
        cluster.part(np.concatenate(chosen))
        write_centroids(self._connection, found)
        centroid_edits.record_cluster_count(self._connection, 0, len(found.centroids))
        return {"entries given clusters": size}

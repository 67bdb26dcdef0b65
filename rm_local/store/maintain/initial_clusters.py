"""Creates the first clusters of a store that was filled by additions, without a bulk build."""

from __future__ import annotations

import numpy as np

from rm_local.store.index.centroids import (
    CLUSTER_ROWS,
    ROWS_FOR_A_CLUSTER,
    write_centroids_and_cluster_count,
)
from rm_local.store.index.kmeans import compute_two_level_clusters, find_nearest_centroids
from rm_local.store.maintain import centroid_edits
from rm_local.store.maintain.move_rows import STEP, Cluster
from rm_local.store.maintain.task import ConnectionWithCodecs
from rm_local.store.sqlite import tables

MIN_ROWS = 20_000
"""A store with more entries gets clusters: scanning some is faster than comparing all rows."""

MAX_ROWS = 100_000
"""Maximum number of entries that get clusters in one transaction, of two or three seconds. A store
with more needs a bulk build."""

MIN_SAMPLE = 8000
"""Minimum number of rows in the sample from which the clusters are computed."""


class InitialClustersTask:
    """Maintenance task that creates a store's first clusters and assigns all entries to them.

    It does so in one step, for more than `enough` and at most `most` entries.
    """

    name = "entries without clusters"

    def __init__(
        self, tools: ConnectionWithCodecs, enough: int = MIN_ROWS, most: int = MAX_ROWS
    ) -> None:
        self._tools, self._connection = tools, tools.connection
        self._enough, self._most = enough, most

    @property
    def has_too_many_entries(self) -> bool:
        """Whether the store has no clusters and too many entries for this task."""
        return self.count_remaining_work() > self._most

    def count_remaining_work(self) -> int:
        """Return the number of entries; 0 if they are too few for clusters or already have some."""
        entries = tables.count_entries(self._connection)
        if entries <= self._enough or centroid_edits.count_clusters(self._connection):
            return 0
        return entries

    def run_step(self, until: float) -> dict[str, int]:
        """Create the clusters and assign all entries; return their number, by description.

        Empty if there is nothing to do, or if the entries are too many.
        """
        entries = self.count_remaining_work()
        if not entries or entries > self._most:
            return {}
        cluster = Cluster.read_without_deleted(self._tools, 0)
        size = len(cluster.rows)
        rng = np.random.default_rng(0)
        wanted = max(1, size // CLUSTER_ROWS)
        few = rng.choice(
            size, min(size, max(ROWS_FOR_A_CLUSTER * wanted, MIN_SAMPLE)), replace=False
        )
        found = compute_two_level_clusters(cluster.read_vectors(few), wanted, rng)
        chosen = [
            find_nearest_centroids(
                cluster.read_vectors(np.arange(start, min(start + STEP, size))), found.centroids
            )
            for start in range(0, size, STEP)
        ]
        cluster.move_rows_to_empty_clusters(np.concatenate(chosen))
        write_centroids_and_cluster_count(self._connection, found)
        centroid_edits.update_generation_and_search_params(
            self._connection, 0, len(found.centroids)
        )
        return {"entries given clusters": size}

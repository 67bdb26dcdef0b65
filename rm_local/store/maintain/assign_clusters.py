"""Assigns pending entries (without a cluster) to clusters, before any other task."""

from __future__ import annotations

from rm_local.store.index import pending
from rm_local.store.index.centroids import Centroids, read_centroids
from rm_local.store.maintain.task import StoreTools
from rm_local.store.sqlite.meta import read_number_or_zero

STEP = 128
"""Maximum entries of one step."""


class AssignClusters:
    """Task that assigns pending entries to clusters and adds their words to the index."""

    name = "fresh entries"

    def __init__(self, tools: StoreTools) -> None:
        self._tools, self._connection = tools, tools.connection
        self._centroids: Centroids | None = None
        self._generation = 0

    def count_remaining_work(self) -> int:
        """Count pending entries."""
        return pending.count_pending(self._connection)

    def run_step(self, until: float) -> dict[str, int]:
        """Assign the STEP oldest pending entries."""
        if not self.count_remaining_work():
            return {}
        tools = self._tools
        settled = pending.assign_pending(
            self._connection, self._read_centroids(), tools.quantizer, tools.packer, STEP
        )
        return {"fresh entries given clusters": settled}

    def _read_centroids(self) -> Centroids:
        """Return the centroids; read them again if another process has changed them."""
        generation = read_number_or_zero(self._connection, "generation")
        if self._centroids is None or generation != self._generation:
            self._centroids = read_centroids(self._connection, self._tools.dimension)
            self._generation = generation
        return self._centroids

"""Assigns pending entries, which have no cluster yet, to clusters: the first maintenance task."""

from __future__ import annotations

from rm_local.store.index import pending
from rm_local.store.index.centroids import Centroids, read_centroids
from rm_local.store.maintain.task import ConnectionWithCodecs
from rm_local.store.sqlite.meta import read_meta_number_or_zero

STEP = 128
"""Maximum number of pending entries that one step assigns to clusters."""


class AssignAndIndexPendingTask:
    """Maintenance task that assigns pending entries to clusters and indexes their rare words."""

    name = "fresh entries"

    def __init__(self, tools: ConnectionWithCodecs) -> None:
        self._tools, self._connection = tools, tools.connection
        self._centroids: Centroids | None = None
        self._generation = 0

    def count_remaining_work(self) -> int:
        """Return the number of entries that are not yet assigned to a cluster."""
        return pending.count_pending(self._connection)

    def run_step(self, until: float) -> dict[str, int]:
        """Assign the STEP oldest pending entries to clusters; return their number, by description.

        Empty if no entry is pending.
        """
        if not self.count_remaining_work():
            return {}
        tools = self._tools
        settled = pending.assign_and_index_oldest_pending(
            self._connection, self._get_current_centroids(), tools.quantizer, tools.packer, STEP
        )
        return {"fresh entries given clusters": settled}

    def _get_current_centroids(self) -> Centroids:
        """Return the store's centroids; read them at the first call and after they have changed."""
        generation = read_meta_number_or_zero(self._connection, "generation")
        if self._centroids is None or generation != self._generation:
            self._centroids = read_centroids(self._connection, self._tools.dimension)
            self._generation = generation
        return self._centroids

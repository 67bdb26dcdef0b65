"""Fresh entries into their clusters, before anything else is done with them."""

from __future__ import annotations

from rm_local.store.index import pending
from rm_local.store.index.centroids import Centroids, read_centroids
from rm_local.store.maintain.task import Tools
from rm_local.store.sqlite.meta import read_number_or_zero

STEP = 128
"""Entries of one step."""


class Settle:
    """Gives all fresh entries their clusters, and their words to the index."""

    name = "fresh entries"

    def __init__(self, tools: Tools) -> None:
        self._tools, self._connection = tools, tools.connection
        self._centroids: Centroids | None = None
        self._generation = 0

    def left(self) -> int:
        """Entries."""
        return pending.count_pending(self._connection)

    def step(self, until: float) -> dict[str, int]:
        """The STEP oldest."""
        if not self.left():
            return {}
        tools = self._tools
        settled = pending.assign_pending(
            self._connection, self._read(), tools.quantizer, tools.packer, STEP
        )
        return {"fresh entries given clusters": settled}

    def _read(self) -> Centroids:
        """The centroids, read again where another process has changed them between two steps."""
        generation = read_number_or_zero(self._connection, "generation")
        if self._centroids is None or generation != self._generation:
            self._centroids = read_centroids(self._connection, self._tools.dimension)
            self._generation = generation
        return self._centroids

"""Clusters that have grown large, parted in two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rm_local.store.format import CHUNK_SIZE
from rm_local.store.index.kmeans import find_nearest_centroids, k_means
from rm_local.store.maintain import centroid_edits
from rm_local.store.maintain.move_rows import Cluster
from rm_local.store.maintain.task import Tools

LARGEST = 4000
"""Rows that a cluster may have: about four times the usual ones, and as dear to ask."""

LEAST_SHARE = 1 / 16
"""Of the rows, for the smaller half: a cluster that does not fall in two is left whole."""


class Split:
    """Parts clusters of more than `largest` rows by 2-means over their ranking codes.

    One half keeps the number, the other gets the next one; both get centres of their own. Bits of
    deleted entries are left out.
    """

    name = "clusters too large"

    def __init__(self, tools: Tools, largest: int = LARGEST) -> None:
        self._tools, self._connection = tools, tools.connection
        self._largest = largest
        self._whole: set[int] = set()

    def left(self) -> int:
        """Clusters; one that falls in halves as large counts once."""
        return sum(1 for _ in self._large())

    def step(self, until: float) -> dict[str, int]:
        """One cluster."""
        for number in self._large():
            parted = self._part(Cluster.read(self._tools, number))
            return {"clusters parted": int(parted), "clusters left whole": int(not parted)}
        return {}

    def _large(self) -> Iterator[int]:
        """Clusters that hold more rows than they may, but those that do not fall in two."""
        if not centroid_edits.count_clusters(self._connection):
            return
        # The chunks of a cluster are counted in the index, validities are read of few.
        candidates = self._connection.execute(
            "SELECT partition00 FROM code_chunks GROUP BY partition00 HAVING count(*) * ? > ?",
            (CHUNK_SIZE, self._largest),
        )
        for (number,) in list(candidates):
            if number not in self._whole and self._rows(number) > self._largest:
                yield number

    def _rows(self, number: int) -> int:
        found = self._connection.execute(
            "SELECT validity FROM code_chunks WHERE partition00 = ?", (number,)
        )
        return sum(int.from_bytes(row[0], "little").bit_count() for row in found)

    def _part(self, cluster: Cluster) -> bool:
        """Whether it was parted."""
        size = len(cluster.rows)
        if size <= self._largest:
            # Only deleted entries' bits made it large.
            cluster.part(np.full(size, cluster.number))
            return False
        vectors = cluster.vectors(np.arange(size))
        halves = k_means(vectors, 2, np.random.default_rng(cluster.number))
        chosen = find_nearest_centroids(vectors, halves)
        if min(np.bincount(chosen, minlength=2)) < LEAST_SHARE * size:
            self._whole.add(cluster.number)
            return False
        centroid_edits.replace_centroid(self._connection, cluster.number, halves[0])
        new = centroid_edits.append_centroid(self._connection, halves[1])
        cluster.part(np.where(chosen == 0, cluster.number, new))
        centroid_edits.record_cluster_count(self._connection, new, new + 1)
        return True

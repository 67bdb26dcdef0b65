"""Rebuilds the centroids of a damaged store: intact ones are copied, others computed from rows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Flags, Floats, Ids
from rm_local.store.format import compute_checksum
from rm_local.store.repair.tolerant_reader import TolerantReader

if TYPE_CHECKING:
    import apsw


CENTROIDS = "SELECT blk, v, crc FROM centroid WHERE blk IN (SELECT value FROM json_each(?))"


class CentroidRebuilder:
    """Rebuilder of a damaged store's centroids: reads intact ones, computes lost ones from rows.

    The centroid of a cluster is computed from the vectors that `add_rows_of_lost_centroids` gets.
    """

    def __init__(self, reader: TolerantReader, dimension: int, clusters: int) -> None:
        self.lost: Flags = np.ones(clusters, dtype=bool)
        """Whether the centroid of each cluster is damaged or missing: an array (clusters,)."""
        self._centroids = np.zeros((clusters, dimension), np.float32)
        self._sums = np.zeros((clusters, dimension), np.float32)
        self._starts = [0]
        rows = reader.read_rows_by_id(
            CENTROIDS, reader.list_readable_column_values("centroid", "blk")
        )
        for blk in range(len(rows)):
            if blk not in rows:
                # A missing row had an unknown number of centroids: later positions are unknown.
                break
            blob, crc = rows[blk]
            start = self._starts[-1]
            end = start + len(blob) // (2 * dimension)
            if not isinstance(blob, bytes) or len(blob) % (2 * dimension) or end > clusters:
                break
            if compute_checksum(blk, blob) == crc:
                self._centroids[start:end] = np.frombuffer(blob, "<f2").reshape(-1, dimension)
                self.lost[start:end] = False
            self._starts.append(end)

    def add_rows_of_lost_centroids(self, clusters: Ids, vectors: Floats) -> None:
        """Add `vectors`, an array (n, d), for the centroids of their `clusters`, an array (n,).

        The centroids of all these clusters must be lost.
        """
        np.add.at(self._sums, clusters, vectors)

    def combine_intact_and_computed_centroids(self) -> Floats:
        """Return the centroids of all clusters: an array (clusters, d) with rows of length 1.

        Intact ones are as read. A lost one has the direction of the sum of the vectors added to
        it so far; without any it is zero.
        """
        lengths = np.linalg.norm(self._sums[self.lost], axis=1, keepdims=True)
        self._centroids[self.lost] = self._sums[self.lost] / np.maximum(lengths, 1e-6)
        return np.asarray(self._centroids.astype("<f2"), dtype=np.float32)

    def write_centroids(self, new: apsw.Connection) -> None:
        """Write all centroids to the new store, divided into rows as in the damaged store."""
        halves = self.combine_intact_and_computed_centroids().astype("<f2")
        bounds = [*self._starts, *([len(halves)] if self._starts[-1] < len(halves) else [])]
        for number, (start, end) in enumerate(pairwise(bounds)):
            blob = halves[start:end].tobytes()
            new.execute(
                "INSERT INTO centroid(blk, v, crc) VALUES(?, ?, ?)",
                (number, blob, compute_checksum(number, blob)),
            )

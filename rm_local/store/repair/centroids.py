"""Cluster centres: those that are whole as they are, the others from their rows' vectors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rm_local.store.codec.quantize import Floats
from rm_local.store.format import checksum
from rm_local.store.repair.tolerant_reader import Rescue

if TYPE_CHECKING:
    import apsw

Ids = NDArray[np.int64]

CENTRES = "SELECT blk, v, crc FROM centroid WHERE blk IN (SELECT value FROM json_each(?))"


class Centres:
    """The centres of a damaged store, as far as they are whole."""

    def __init__(self, rescue: Rescue, dimension: int, clusters: int) -> None:
        self.lost: NDArray[np.bool_] = np.ones(clusters, dtype=bool)
        """By cluster: whether its centre is damaged."""
        self._centres = np.zeros((clusters, dimension), np.float32)
        self._sums = np.zeros((clusters, dimension), np.float32)
        self._starts = [0]
        rows = rescue.among(CENTRES, rescue.numbers("centroid", "blk"))
        for blk in range(len(rows)):
            if blk not in rows:
                # How many centres a missing row had is not known, so that all behind it have moved.
                break
            blob, crc = rows[blk]
            start = self._starts[-1]
            end = start + len(blob) // (2 * dimension)
            if not isinstance(blob, bytes) or len(blob) % (2 * dimension) or end > clusters:
                break
            if checksum(blk, blob) == crc:
                self._centres[start:end] = np.frombuffer(blob, "<f2").reshape(-1, dimension)
                self.lost[start:end] = False
            self._starts.append(end)

    def add(self, clusters: Ids, vectors: Floats) -> None:
        """Vectors, (n, d), of rows of these clusters, (n,), whose centres are lost."""
        np.add.at(self._sums, clusters, vectors)

    def found(self) -> Floats:
        """All of them, (clusters, d); zero where a lost one has no row."""
        lengths = np.linalg.norm(self._sums[self.lost], axis=1, keepdims=True)
        self._centres[self.lost] = self._sums[self.lost] / np.maximum(lengths, 1e-6)
        return np.asarray(self._centres.astype("<f2"), dtype=np.float32)

    def write(self, new: apsw.Connection) -> None:
        """Fill the new store's `centroid`, in rows like those of the damaged one."""
        halves = self.found().astype("<f2")
        bounds = [*self._starts, *([len(halves)] if self._starts[-1] < len(halves) else [])]
        for number, (start, end) in enumerate(pairwise(bounds)):
            blob = halves[start:end].tobytes()
            new.execute(
                "INSERT INTO centroid(blk, v, crc) VALUES(?, ?, ?)",
                (number, blob, checksum(number, blob)),
            )

"""Clusters of vectors: found on a sample, then given to each row. Pure functions over arrays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Floats, Ids

ROUNDS = 10
"""Of k-means; later ones move few rows."""

BEAM, COSINE_MARGIN = 12, 0.12
"""Super-clusters among whose clusters a row finds its own: at most so many, and none whose cosine
is so much below the nearest one's. That is 4.5 on average, and finds nearer clusters than always 6
do (docs/experiments.md)."""

TILE = 8192
"""Rows compared with all centres at once: bounds the memory of the products."""

SUPER_ROWS = 400
"""Rows for each super-cluster on which these are found: more bring them no nearer to the rows."""


def random_rotation(dimension: int, rng: np.random.Generator) -> Floats:
    """A rotation drawn at random, (d, d)."""
    turned, triangle = np.linalg.qr(rng.normal(size=(dimension, dimension)))
    return np.asarray(turned * np.sign(np.diag(triangle)), dtype=np.float32)


def itq_rotation(centred: Floats, rng: np.random.Generator, rounds: int = 20) -> Floats:
    """A rotation, (d, d), that brings rows with their mean taken off, (n, d), near to their signs.

    Iterative quantisation (Gong and Lazebnik 2011), from a random start: turn the rows so that
    they fit their signs best (orthogonal Procrustes), take the signs again, and so on.
    """
    rotation = random_rotation(centred.shape[1], rng)
    for _ in range(rounds):
        signs = np.where(centred @ rotation > 0, np.float32(1), np.float32(-1))
        left, _, right = np.linalg.svd(centred.T @ signs)
        rotation = np.asarray(left @ right, dtype=np.float32)
    return rotation


def find_nearest_centroids(rows: Floats, centres: Floats) -> Ids:
    """The centre with the highest inner product for each of `rows`, (n, d): (n,)."""
    found = np.empty(len(rows), np.int64)
    for start in range(0, len(rows), TILE):
        tile = slice(start, start + TILE)
        np.argmax(rows[tile] @ centres.T, axis=1, out=found[tile])
    return found


def k_means(rows: Floats, count: int, rng: np.random.Generator, rounds: int = ROUNDS) -> Floats:
    """At most `count` centres of length 1, (count, d), of `rows` of length 1, (n, d).

    Spherical k-means from rows drawn at random; a centre that no row is nearest to starts again
    at a row drawn at random.
    """
    count = min(count, len(rows))
    centres = rows[rng.choice(len(rows), count, replace=False)]
    for _ in range(rounds):
        sums = _sum_clusters(rows, find_nearest_centroids(rows, centres), count)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        empty = lengths[:, 0] < 1e-6
        centres = np.asarray(sums / np.maximum(lengths, 1e-6), dtype=np.float32)
        centres[empty] = rows[rng.choice(len(rows), int(empty.sum()))]
    return centres


def _sum_clusters(rows: Floats, chosen: Ids, count: int) -> Floats:
    """The sum of the rows of each of `count` clusters, (count, d)."""
    order = np.argsort(chosen, kind="stable")
    present, starts = np.unique(chosen[order], return_index=True)
    sums = np.zeros((count, rows.shape[1]), np.float32)
    sums[present] = np.add.reduceat(rows[order], starts, axis=0)
    return sums


@dataclass(frozen=True)
class Clusters:
    """Centres in two levels. Clusters are numbered super-cluster after super-cluster."""

    supers: Floats
    """(s, d), rows of length 1."""
    centroids: Floats
    """(c, d), rows of length 1: those of super-cluster i are `starts[i]` to `starts[i + 1]`."""
    starts: Ids
    """(s + 1,), from 0 to c."""

    def assign_rows(self, rows: Floats, beam: int = BEAM, further: float = COSINE_MARGIN) -> Ids:
        """For each of `rows`, (n, d), the nearest centre in the super-clusters it looks into.

        Ten thousands at once pay best: those that ask the same super-cluster are one product.
        """
        beam = min(beam, len(self.supers))
        if len(rows) == 1:
            return np.array([self._assign_row(rows[0], beam, further)])
        best = np.full(len(rows), -np.inf, np.float32)
        found = np.zeros(len(rows), np.int64)
        all_asking, bounds = self._group_by_super(rows, beam, further)
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            asking = all_asking[bounds[number] : bounds[number + 1]]
            first, end = self.starts[number], self.starts[number + 1]
            products = rows[asking] @ self.centroids[first:end].T
            place = np.argmax(products, axis=1)
            value = products[np.arange(len(asking)), place]
            better = value > best[asking]
            best[asking[better]] = value[better]
            found[asking[better]] = first + place[better]
        return found

    def _group_by_super(self, rows: Floats, beam: int, further: float) -> tuple[Ids, Ids]:
        """Places of the rows that ask super-cluster 0, then 1, ..., and where each one's begin."""
        asking, asked = [], []
        for start in range(0, len(rows), TILE):
            similarity = rows[start : start + TILE] @ self.supers.T
            near = np.argpartition(similarity, -beam, axis=1)[:, -beam:]
            values = np.take_along_axis(similarity, near, axis=1)
            row, place = np.nonzero(values >= values.max(axis=1, keepdims=True) - further)
            asking.append(start + row)
            asked.append(near[row, place])
        supers = np.concatenate(asked)
        # Whole numbers of 16 bits are sorted by their digits, four times as fast.
        small = len(self.supers) <= 1 << 16
        order = np.argsort(supers.astype(np.uint16) if small else supers, kind="stable")
        bounds = np.searchsorted(supers[order], np.arange(len(self.supers) + 1))
        return np.concatenate(asking)[order], bounds

    def _assign_row(self, row: Floats, beam: int, further: float) -> int:
        """The same for one, (d,), which is added by itself: a fifth of the time."""
        best, found = -np.inf, 0
        similarity = self.supers @ row
        near = np.argpartition(similarity, -beam)[-beam:]
        for number in near[similarity[near] >= similarity[near].max() - further].tolist():
            first = int(self.starts[number])
            products = self.centroids[first : self.starts[number + 1]] @ row
            place = int(products.argmax())
            if products[place] > best:
                best, found = products[place], first + place
        return found


def find_clusters(
    sample: Floats, count: int, rng: np.random.Generator, threads: int = 1
) -> Clusters:
    """About `count` clusters of a `sample` of rows of length 1, (n, d), in sqrt(2 count) supers.

    A super-cluster is parted into as many clusters as its share of the sample says, several at
    a time if there are `threads`.
    """
    from threadpoolctl import threadpool_limits

    wanted = max(1, round((2 * count) ** 0.5))
    few = rng.choice(len(sample), min(len(sample), SUPER_ROWS * wanted), replace=False)
    supers = k_means(sample[np.sort(few)], wanted, rng)
    chosen = find_nearest_centroids(sample, supers)
    kept = np.unique(chosen)

    def split_super(number: int, own: np.random.Generator) -> Floats:
        rows = sample[chosen == number]
        return k_means(rows, max(1, round(count * len(rows) / len(sample))), own)

    # A thread each, as one product of these is too small to be shared.
    limits = nullcontext() if threads == 1 else threadpool_limits(1)
    with limits, ThreadPoolExecutor(threads) as pool:
        children = list(pool.map(split_super, kept.tolist(), rng.spawn(len(kept))))
    starts = np.cumsum([0, *map(len, children)], dtype=np.int64)
    return Clusters(supers[kept], np.concatenate(children), starts)

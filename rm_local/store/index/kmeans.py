"""K-means on two levels, and random and fitted rotations. Pure functions over arrays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Floats, Ids

ROUNDS = 10
"""Iterations of k-means; later ones move few rows."""

BEAM, COSINE_MARGIN = 12, 0.12
"""Super-clusters in which the nearest centroid of a row is searched: at most BEAM, with cosines at
most COSINE_MARGIN below the best. These, 4.5 on average, find nearer centroids than always 6 of
them (docs/measurements/store.md)."""

TILE = 8192
"""Number of rows compared with all centroids at once, to limit the memory for the products."""

SUPER_ROWS = 400
"""Maximum sample rows per super-cluster for finding super-clusters; more do not improve them."""


def draw_random_rotation(dimension: int, rng: np.random.Generator) -> Floats:
    """Return a random rotation matrix (d, d), by QR decomposition of normal numbers."""
    rotation, triangle = np.linalg.qr(rng.normal(size=(dimension, dimension)))
    return np.asarray(rotation * np.sign(np.diag(triangle)), dtype=np.float32)


def fit_itq_rotation(centered: Floats, rng: np.random.Generator, rounds: int = 20) -> Floats:
    """Return a rotation matrix (d, d) that brings the rows of `centered` (n, d) near their signs.

    Iterative quantization (Gong and Lazebnik 2011) from a random start: alternately rotate the rows
    to fit their signs best (orthogonal Procrustes) and recompute the signs.
    """
    rotation = draw_random_rotation(centered.shape[1], rng)
    for _ in range(rounds):
        signs = np.where(centered @ rotation > 0, np.float32(1), np.float32(-1))
        left, _, right = np.linalg.svd(centered.T @ signs)
        rotation = np.asarray(left @ right, dtype=np.float32)
    return rotation


def find_nearest_centroids(rows: Floats, centroids: Floats) -> Ids:
    """Return for each row the number of the centroid with the highest inner product: (n,)."""
    found = np.empty(len(rows), np.int64)
    for start in range(0, len(rows), TILE):
        tile = slice(start, start + TILE)
        np.argmax(rows[tile] @ centroids.T, axis=1, out=found[tile])
    return found


def run_spherical_k_means(
    rows: Floats, count: int, rng: np.random.Generator, rounds: int = ROUNDS
) -> Floats:
    """Return `count` centroids of rows of length 1, or as many as there are rows: (count, d).

    The centroids have length 1.


    Spherical k-means from random rows; a centroid without rows restarts at a random row.
    """
    count = min(count, len(rows))
    centroids = rows[rng.choice(len(rows), count, replace=False)]
    for _ in range(rounds):
        sums = _sum_clusters(rows, find_nearest_centroids(rows, centroids), count)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        empty = lengths[:, 0] < 1e-6
        centroids = np.asarray(sums / np.maximum(lengths, 1e-6), dtype=np.float32)
        centroids[empty] = rows[rng.choice(len(rows), int(empty.sum()))]
    return centroids


def _sum_clusters(rows: Floats, chosen: Ids, count: int) -> Floats:
    """Return the sum of each cluster's rows: an array (count, d). `chosen` are rows' clusters."""
    order = np.argsort(chosen, kind="stable")
    present, starts = np.unique(chosen[order], return_index=True)
    sums = np.zeros((count, rows.shape[1]), np.float32)
    sums[present] = np.add.reduceat(rows[order], starts, axis=0)
    return sums


@dataclass(frozen=True)
class TwoLevelCentroids:
    """Centroids of clusters, and of super-clusters: groups of clusters with consecutive numbers.

    A vector's nearest centroid is searched only in the super-clusters near the vector.
    """

    supers: Floats
    """Centroids of the super-clusters: an array (s, d) with rows of length 1."""
    centroids: Floats
    """Centroids of the clusters: an array (c, d) with rows of length 1."""
    starts: Ids
    """An array (s + 1,): super-cluster i has clusters `starts[i]` to `starts[i + 1] - 1`."""

    def assign_rows(self, rows: Floats, beam: int = BEAM, margin: float = COSINE_MARGIN) -> Ids:
        """Return the number of the nearest centroid for each row: an array (n,).

        Only super-clusters near the row are searched: at most `beam`, with cosines at most `margin`
        below the best. Fastest with tens of thousands of rows, because those with a common
        super-cluster share a matrix product.
        """
        beam = min(beam, len(self.supers))
        if len(rows) == 1:
            return np.array([self._assign_row(rows[0], beam, margin)])
        best = np.full(len(rows), -np.inf, np.float32)
        found = np.zeros(len(rows), np.int64)
        grouped, bounds = self._group_by_near_super_clusters(rows, beam, margin)
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            members = grouped[bounds[number] : bounds[number + 1]]
            first, end = self.starts[number], self.starts[number + 1]
            products = rows[members] @ self.centroids[first:end].T
            place = np.argmax(products, axis=1)
            value = products[np.arange(len(members)), place]
            better = value > best[members]
            best[members[better]] = value[better]
            found[members[better]] = first + place[better]
        return found

    def _group_by_near_super_clusters(
        self, rows: Floats, beam: int, margin: float
    ) -> tuple[Ids, Ids]:
        """Group the numbers of the rows by super-cluster in which a row's centroid is searched.

        Return all groups in one array, and an array (s + 1,) of their bounds in it. A row is in
        the group of each super-cluster near it.
        """
        members, groups = [], []
        for start in range(0, len(rows), TILE):
            similarity = rows[start : start + TILE] @ self.supers.T
            near = np.argpartition(similarity, -beam, axis=1)[:, -beam:]
            values = np.take_along_axis(similarity, near, axis=1)
            row, place = np.nonzero(values >= values.max(axis=1, keepdims=True) - margin)
            members.append(start + row)
            groups.append(near[row, place])
        supers = np.concatenate(groups)
        # numpy radix-sorts 16-bit integers, four times as fast.
        small = len(self.supers) <= 1 << 16
        order = np.argsort(supers.astype(np.uint16) if small else supers, kind="stable")
        bounds = np.searchsorted(supers[order], np.arange(len(self.supers) + 1))
        return np.concatenate(members)[order], bounds

    def _assign_row(self, row: Floats, beam: int, margin: float) -> int:
        """Return the number of the nearest centroid for one row.

        It takes a fifth of the time that `assign_rows` would.
        """
        best, found = -np.inf, 0
        similarity = self.supers @ row
        near = np.argpartition(similarity, -beam)[-beam:]
        for number in near[similarity[near] >= similarity[near].max() - margin].tolist():
            first = int(self.starts[number])
            products = self.centroids[first : self.starts[number + 1]] @ row
            place = int(products.argmax())
            if products[place] > best:
                best, found = products[place], first + place
        return found


def compute_two_level_clusters(
    sample: Floats,
    count: int,
    rng: np.random.Generator,
    threads: int = 1,
    on_share: Callable[[float], None] = lambda _: None,
) -> TwoLevelCentroids:
    """Compute about `count` clusters of the unit vectors `sample` in sqrt(2 count) super-clusters.

    K-means finds the super-clusters, then splits each into a number of clusters proportional to its
    share of the sample, `threads` of them at a time. `on_share` gets the completed share of the
    work, 0 to 1, after each.
    """
    from threadpoolctl import threadpool_limits

    wanted = max(1, round((2 * count) ** 0.5))
    few = rng.choice(len(sample), min(len(sample), SUPER_ROWS * wanted), replace=False)
    supers = run_spherical_k_means(sample[np.sort(few)], wanted, rng)
    chosen = find_nearest_centroids(sample, supers)
    kept, rows_of = np.unique(chosen, return_counts=True)
    # The work of k-means is its rows times its centroids.
    work = np.cumsum([len(few) * wanted, *(rows_of * (rows_of * (count / len(sample))))])
    on_share(float(work[0] / work[-1]))

    def split_super(number: int, own: np.random.Generator) -> Floats:
        rows = sample[chosen == number]
        return run_spherical_k_means(rows, max(1, round(count * len(rows) / len(sample))), own)

    # One BLAS thread each: these products are too small to parallelise.
    limits = nullcontext() if threads == 1 else threadpool_limits(1)
    with limits, ThreadPoolExecutor(threads) as pool:
        children = []
        for found in pool.map(split_super, kept.tolist(), rng.spawn(len(kept))):
            children.append(found)
            on_share(float(work[len(children)] / work[-1]))
    starts = np.cumsum([0, *map(len, children)], dtype=np.int64)
    return TwoLevelCentroids(supers[kept], np.concatenate(children), starts)

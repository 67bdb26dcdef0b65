"""Clusters vectors: finds centroids of a sample, then assigns rows. Pure functions over arrays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Floats, Ids

ROUNDS = 10
"""Rounds of k-means; later rounds move few rows."""

BEAM, COSINE_MARGIN = 12, 0.12
"""Super-clusters searched for a row's cluster: at most BEAM, with cosines at most COSINE_MARGIN
below the best. These 4.5 on average find nearer clusters than a fixed number of 6
(docs/measurements/store.md)."""

TILE = 8192
"""Rows compared with all centroids at once. It limits the memory for the products."""

SUPER_ROWS = 400
"""Sample rows per super-cluster; more do not improve the super-clusters."""


def draw_random_rotation(dimension: int, rng: np.random.Generator) -> Floats:
    """Make a random rotation matrix (d, d)."""
    rotation, triangle = np.linalg.qr(rng.normal(size=(dimension, dimension)))
    return np.asarray(rotation * np.sign(np.diag(triangle)), dtype=np.float32)


def fit_itq_rotation(centered: Floats, rng: np.random.Generator, rounds: int = 20) -> Floats:
    """Find a rotation matrix (d, d) that brings the centered rows close to their signs.

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
    """Find the centroid with the highest inner product for each row: an array (n,)."""
    found = np.empty(len(rows), np.int64)
    for start in range(0, len(rows), TILE):
        tile = slice(start, start + TILE)
        np.argmax(rows[tile] @ centroids.T, axis=1, out=found[tile])
    return found


def k_means(rows: Floats, count: int, rng: np.random.Generator, rounds: int = ROUNDS) -> Floats:
    """Find at most `count` centroids of rows of length 1: an array (count, d), of length 1.

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
    """Sum the rows of each of `count` clusters: an array (count, d)."""
    order = np.argsort(chosen, kind="stable")
    present, starts = np.unique(chosen[order], return_index=True)
    sums = np.zeros((count, rows.shape[1]), np.float32)
    sums[present] = np.add.reduceat(rows[order], starts, axis=0)
    return sums


@dataclass(frozen=True)
class Clusters:
    """Centroids on two levels. The clusters of a super-cluster have consecutive numbers."""

    supers: Floats
    """Centroids of super-clusters: an array (s, d) with rows of length 1."""
    centroids: Floats
    """An array (c, d), rows of length 1; super-cluster i has `starts[i]` to `starts[i + 1] - 1`."""
    starts: Ids
    """An ascending array (s + 1,), from 0 to c."""

    def assign_rows(self, rows: Floats, beam: int = BEAM, margin: float = COSINE_MARGIN) -> Ids:
        """Find the nearest centroid for each row, in the super-clusters nearest to the row.

        Fastest with tens of thousands of rows: rows with a common super-cluster share a product.
        """
        beam = min(beam, len(self.supers))
        if len(rows) == 1:
            return np.array([self._assign_row(rows[0], beam, margin)])
        best = np.full(len(rows), -np.inf, np.float32)
        found = np.zeros(len(rows), np.int64)
        grouped, bounds = self._group_by_super_cluster(rows, beam, margin)
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

    def _group_by_super_cluster(self, rows: Floats, beam: int, margin: float) -> tuple[Ids, Ids]:
        """Group row numbers by searched super-cluster; also return the group bounds (s + 1)."""
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
        """Find the nearest centroid for one row, in a fifth of the time of `assign_rows`."""
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


def find_clusters(
    sample: Floats, count: int, rng: np.random.Generator, threads: int = 1
) -> Clusters:
    """Find about `count` clusters of unit vectors, in sqrt(2 count) super-clusters.

    Each super-cluster is split in proportion to its share of the sample, `threads` at a time.
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

    # One BLAS thread each: these products are too small to parallelise.
    limits = nullcontext() if threads == 1 else threadpool_limits(1)
    with limits, ThreadPoolExecutor(threads) as pool:
        children = list(pool.map(split_super, kept.tolist(), rng.spawn(len(kept))))
    starts = np.cumsum([0, *map(len, children)], dtype=np.int64)
    return Clusters(supers[kept], np.concatenate(children), starts)

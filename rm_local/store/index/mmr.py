"""Choosing among hits so that they do not repeat one another. Pure functions over arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Floats


def select_by_mmr(vectors: Floats, scores: NDArray[np.float64], k: int, trade: float) -> list[int]:
    """Rows of `vectors`, (n, d), by maximal marginal relevance, at most `k`, in order of choice.

    `scores`, (n,), are what the rows are worth to the query by themselves. Each next row has the
    highest trade * score - (1 - trade) * similarity to the nearest row taken, so `trade` = 1
    leaves the order of the scores. (Carbonell and Goldstein, 1998.)
    """
    taken: list[int] = []
    nearest = np.full(len(vectors), -1.0)
    left = np.ones(len(vectors), dtype=bool)
    while left.any() and len(taken) < k:
        worth = np.where(left, trade * scores - (1 - trade) * nearest, -np.inf)
        row = int(worth.argmax())
        taken.append(row)
        left[row] = False
        nearest = np.maximum(nearest, vectors @ vectors[row])
    return taken

"""Maximal marginal relevance: selects hits that do not repeat one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Floats


def select_by_mmr(vectors: Floats, scores: NDArray[np.float64], k: int, trade: float) -> list[int]:
    """Select at most `k` rows by maximal marginal relevance; return their positions in this order.

    `vectors` is an array (n, d) with rows of length 1, `scores` their relevances to the query. The
    next row is that with the highest trade * score - (1 - trade) * cosine with the nearest
    selected row, so `trade` = 1 keeps the order of the scores (Carbonell and Goldstein 1998).
    """
    selected: list[int] = []
    nearest = np.full(len(vectors), -1.0)
    left = np.ones(len(vectors), dtype=bool)
    while left.any() and len(selected) < k:
        worth = np.where(left, trade * scores - (1 - trade) * nearest, -np.inf)
        row = int(worth.argmax())
        selected.append(row)
        left[row] = False
        nearest = np.maximum(nearest, vectors @ vectors[row])
    return selected

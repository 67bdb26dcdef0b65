"""Selects hits among ranked entries: pool, gate, score gap and diversity. Pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Flags, Floats, Ids
from rm_local.store.index.mmr import select_by_mmr
from rm_local.store.index.rare_words import fuse_scores
from rm_local.store.request import SearchRequest


@dataclass(frozen=True, slots=True)
class Ranking:
    """What candidates are ordered by, in no order yet; each is (n,)."""

    ids: Ids
    similarity: NDArray[np.float64]
    """Cosines with the query."""
    lexical: NDArray[np.float64]
    """Shares of the query's rare words."""


def select_hits(request: SearchRequest, ranking: Ranking, vectors: Callable[[Ids], Floats]) -> Ids:
    """Places in `ranking` of the entries to return, by falling score, then by id: (m,), m <= k.

    `vectors` gives the vectors, (m, d), of length 1, of the entries at these places; it is called
    only where diversity has a choice to make.
    """
    k = max(request.k, 0)
    scores = fuse_scores(ranking.similarity, ranking.lexical)
    # Rounded, as the last bits of a product depend on a row's place and would split equal rows.
    order = np.lexsort((ranking.ids, -scores.round(6)))[: max(request.pool, k)]
    passed = order[_apply_gate(request, ranking, scores, order)]
    if request.diversity is None or len(passed) <= k:
        return np.asarray(passed[:k], dtype=np.int64)
    rows = select_by_mmr(vectors(passed), scores[passed], k, request.diversity)
    return np.asarray(passed[np.sort(np.array(rows, np.int64))], dtype=np.int64)


def _apply_gate(
    request: SearchRequest, ranking: Ranking, scores: NDArray[np.float64], order: Ids
) -> Flags:
    """Which entries of `order`, best first, pass the gate and are near enough to the best: (n,)."""
    gate = ranking.similarity[order] >= request.min_similarity
    gate |= ranking.lexical[order] >= request.min_lexical
    return np.asarray(gate & (scores[order] >= scores[order[:1]] - request.max_score_gap))

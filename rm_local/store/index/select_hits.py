"""Selects hits among candidates: pool, gate, score gap and diversity. Pure functions."""

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
class CandidateScores:
    """Ids, cosines and shares of rare words of a search's candidates: unsorted arrays (n,)."""

    ids: Ids
    similarity: NDArray[np.float64]
    """Cosine of each candidate with the query."""
    lexical: NDArray[np.float64]
    """Share of the query's rare words in each candidate, 0 to 1."""


def select_hit_positions(
    request: SearchRequest, candidates: CandidateScores, vectors: Callable[[Ids], Floats]
) -> Ids:
    """Return the positions in `candidates` of at most `request.k` hits, best score first.

    Pool, thresholds and diversity of `request` apply; equal scores are ordered by id. `vectors`
    returns the vectors of length 1 at given positions, an array (m, d). It is called only if
    diversity has more than k entries to choose from.
    """
    k = max(request.k, 0)
    scores = fuse_scores(candidates.similarity, candidates.lexical)
    # Rounded: the last bits of a product depend on a row's position and would order equal rows.
    order = np.lexsort((candidates.ids, -scores.round(6)))[: max(request.pool, k)]
    passed = order[_flag_passing_thresholds(request, candidates, scores, order)]
    if request.diversity is None or len(passed) <= k:
        return np.asarray(passed[:k], dtype=np.int64)
    rows = select_by_mmr(vectors(passed), scores[passed], k, request.diversity)
    return np.asarray(passed[np.sort(np.array(rows, np.int64))], dtype=np.int64)


def _flag_passing_thresholds(
    request: SearchRequest, candidates: CandidateScores, scores: NDArray[np.float64], order: Ids
) -> Flags:
    """Return whether each position in `order`, best first, passes the request's thresholds: (n,).

    These are the minimum cosine or share of rare words, and the distance from the best score.
    """
    gate = candidates.similarity[order] >= request.min_similarity
    gate |= candidates.lexical[order] >= request.min_lexical
    return np.asarray(gate & (scores[order] >= scores[order[:1]] - request.max_score_gap))

"""Choosing hits that do not repeat one another."""

from __future__ import annotations

import numpy as np
import pytest

from rm_local.store.index.mmr import select_by_mmr
from tests.support.stores import topics, vectors

SCORES = np.array([0.1, 0.9, 0.5, 0.4, 0.3, 0.2])


@pytest.mark.parametrize("k", [0, 1, 3, 9])
def test_chosen_rows_are_all_different(k: int) -> None:
    """At most k, none twice, the best first."""
    rows = select_by_mmr(vectors(6, dimension=8), SCORES, k, 0.75)
    assert len(rows) == len(set(rows)) == min(k, 6)
    assert rows[:1] == [1][:k]


def test_a_copy_of_a_better_row_comes_last() -> None:
    """Though it is worth nearly as much."""
    rows = np.eye(6, dtype=np.float32)
    rows[2] = rows[1]
    assert select_by_mmr(rows, SCORES, 6, 0.5) == [1, 3, 4, 5, 0, 2]


def test_scores_alone_keep_their_order() -> None:
    """With all the weight on them, their order is kept, copies or not."""
    assert select_by_mmr(np.ones((6, 8), np.float32), SCORES, 6, 1.0) == [1, 2, 3, 4, 5, 0]


def test_no_rows_give_no_choice() -> None:
    """Nothing is chosen from nothing."""
    assert select_by_mmr(np.empty((0, 8), np.float32), np.empty(0), 3, 0.75) == []


def by_definition(rows: np.ndarray, scores: np.ndarray, k: int, trade: float) -> list[int]:
    """Maximal marginal relevance, entry by entry (Carbonell and Goldstein, 1998)."""
    taken: list[int] = []

    def worth(row: int) -> float:
        nearest = max((float(rows[row] @ rows[each]) for each in taken), default=-1.0)
        return float(trade * scores[row] - (1 - trade) * nearest)

    while len(taken) < min(k, len(rows)):
        taken.append(max((row for row in range(len(rows)) if row not in taken), key=worth))
    return taken


@pytest.mark.parametrize("trade", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("k", [1, 3, 10, 40])
def test_rows_are_chosen_as_the_definition_says(k: int, trade: float) -> None:
    """In the same order, for rows around few topics."""
    for seed in range(5):
        rows = topics(32, dimension=64, count=4, spread=0.5, seed=seed)
        scores = np.random.default_rng(seed).uniform(0.2, 0.9, 32)
        assert select_by_mmr(rows, scores, k, trade) == by_definition(rows, scores, k, trade)

"""Selecting hits among ranked entries, and in whole stores: as a plain reference does it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rm_local.records import Entry, Hit
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import EmbedderId
from rm_local.store.index.mmr import select_by_mmr
from rm_local.store.index.select_hits import CandidateScores, select_hit_positions
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.store import Store
from tests.support.stores import MadeSource, entries, topics, vectors

MADE = EmbedderId("made", 64, "0" * 64)
BULK = 2400


def chosen(
    request: SearchRequest, similarity: list[float], lexical: list[float] | None = None
) -> list[int]:
    """Places that are selected of entries 1, 2, ..., which are orthogonal to one another."""
    count = len(similarity)
    ranking = CandidateScores(
        np.arange(1, count + 1), np.array(similarity), np.array(lexical or [0.0] * count)
    )
    rows = np.eye(64, dtype=np.float32)
    return [int(place) for place in select_hit_positions(request, ranking, lambda at: rows[at])]


def asked(**how: Any) -> SearchRequest:
    """A request whose vector plays no part."""
    return SearchRequest(np.zeros(8, np.float32), **how)


def test_the_gate_takes_a_similarity_at_it_or_enough_rare_words() -> None:
    """Entries below it with too few rare words are left out, be they the best by their score."""
    request = asked(min_similarity=0.3, min_lexical=0.5)
    assert chosen(request, [0.5, 0.3, 0.29, 0.1], [0, 0, 0.4, 0.5]) == [0, 1, 3]
    assert chosen(request, [0.2]) == []
    assert chosen(request, []) == []


def test_the_score_gap_is_taken_from_the_best_entry_even_one_below_the_gate() -> None:
    """Rare words count in the score."""
    gap = asked(min_similarity=0.3, max_score_gap=0.2)
    assert chosen(gap, [0.95, 0.8, 0.7, 0.6], [0, 0, 0, 1.0]) == [0, 3, 1]
    assert chosen(asked(min_similarity=0.3), [0.95, 0.8, 0.7, 0.6]) == [0, 1, 2, 3]
    assert chosen(gap, [0.29, 0.5, 0.35], [1.0, 0, 0]) == [1]


def test_only_the_pool_is_considered() -> None:
    """What the gate leaves out is not replaced from beyond the pool; k entries are considered."""
    similarity, lexical = [0.2, 0.19, 0.45], [1.0, 1.0, 0.0]
    assert chosen(asked(k=2, min_similarity=0.3), similarity, lexical) == []
    assert chosen(asked(k=2, min_similarity=0.3, pool=3), similarity, lexical) == [2]


def test_equal_scores_are_ordered_by_id() -> None:
    """Differences beyond the sixth digit are rounding, not rank."""
    assert chosen(asked(k=3), [0.5, 0.5 + 1e-9, 0.5]) == [0, 1, 2]


@pytest.mark.parametrize("k", [-1, 0, 1, 3, 9])
@pytest.mark.parametrize("diversity", [None, 0.75])
def test_at_most_k_are_selected(k: int, diversity: float | None) -> None:
    """None where none are wanted, all where there are fewer."""
    found = chosen(asked(k=k, diversity=diversity, pool=32), [0.9, 0.8, 0.7])
    assert found == [0, 1, 2][: max(k, 0)]


def test_vectors_are_read_only_where_there_is_a_choice() -> None:
    """Not where all that pass are returned anyway."""
    ranking = CandidateScores(np.array([1, 2]), np.array([0.9, 0.2]), np.zeros(2))

    def unwanted(places: np.ndarray) -> np.ndarray:
        raise AssertionError(places)

    request = asked(k=1, pool=9, min_similarity=0.5, diversity=0.75)
    assert select_hit_positions(request, ranking, unwanted).tolist() == [0]


# Whole stores, against a reference that takes a wide ranking and does the rest entry by entry.


def reference(store: Store, request: SearchRequest) -> list[Hit]:
    """What `request` asks for: rank the pool, then gate, gap and diversity, hit by hit."""
    pool = max(request.pool, request.k)
    ranked = store.search(
        SearchRequest(request.vector, request.text, pool, request.filter, request.breadth)
    )

    def score(hit: Hit) -> float:
        return hit.similarity + 0.3 * hit.lexical

    least = score(ranked[0]) - request.max_score_gap if ranked else 0.0
    hits = [
        hit
        for hit in ranked
        if (hit.similarity >= request.min_similarity or hit.lexical >= request.min_lexical)
        and score(hit) >= least
    ]
    if request.diversity is None:
        return hits[: request.k]
    rows = store.read_vectors([hit.entry.id for hit in hits])
    places = select_by_mmr(rows, np.array([*map(score, hits)]), request.k, request.diversity)
    return [hits[place] for place in sorted(places)]


def copies(count: int, seed: int) -> tuple[list[Entry], np.ndarray]:
    """Entries with few different vectors, so that scores are equal and near-duplicates abound."""
    rows = topics(count, dimension=64, count=5, spread=0.4, seed=seed)
    rows[::3] = rows[0]
    return entries(count), rows


def small(path: Path) -> None:
    """Few enough that all codes are compared; some pending."""
    with Store.create(path, embedder=MADE) as store:
        made, rows = copies(90, seed=1)
        store.add_entries(made[:60], rows[:60])
        store.add_entries(made[60:80], rows[60:80])
        store.add_entries(made[80:], rows[80:])
        store.delete_entries([3, 70])


def grown(path: Path) -> None:
    """Bits without clusters, the last entries pending."""
    with Store.create(path, embedder=MADE) as store:
        made, rows = copies(2300, seed=2)
        store.add_entries(made[:2280], rows[:2280])
        store.add_entries(made[2280:], rows[2280:])


def clustered(path: Path) -> None:
    """A bulk build with clusters, grown since, the last entries pending."""
    build_store(path, MadeSource(BULK), embedder=MADE, clusters=24)
    with Store.open(path, write=True) as store:
        made, rows = copies(300, seed=3)
        store.add_entries(made[:270], rows[:270])
        store.add_entries(made[270:], rows[270:])
        store.delete_entries([*range(1, 50), BULK + 3])


@pytest.fixture(scope="module", params=[small, grown, clustered])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store of each kind, open for reading."""
    make: Callable[[Path], None] = request.param
    path = tmp_path_factory.mktemp(make.__name__) / "made.rms"
    make(path)
    with Store.open(path) as opened:
        yield opened


def requests(store: Store, seed: int) -> Iterator[SearchRequest]:
    """Requests of every kind: near entries and far, with and without words, filters and gates."""
    rng = random.Random(seed)
    held = [entry.id for entry in store.sample_entries(40, seed)]
    near = store.read_vectors(held) + 0.3 * vectors(len(held), dimension=64, seed=seed)
    for row in np.concatenate([near, vectors(10, dimension=64, seed=seed + 1)]):
        k = rng.choice([1, 3, 3, 10, 200])
        yield SearchRequest(
            row.astype(np.float32),
            rng.choice(["", f"how is the zorb{rng.randrange(99)} of zorb7 found"]),
            k,
            rng.choice([EntryFilter(), EntryFilter(domain="math"), EntryFilter("code", "test/1")]),
            breadth=rng.choice([0.5, 1.0, 2.0]),
            min_similarity=rng.choice([-1.0, 0.3, 0.6, 0.99]),
            min_lexical=rng.choice([0.5, inf]),
            max_score_gap=rng.choice([inf, 0.2, 0.05]),
            diversity=rng.choice([None, 0.75, 0.75]),
            pool=max(32, 4 * k),
        )


@pytest.mark.parametrize("seed", [0, 1])
def test_searches_return_what_the_reference_does(store: Store, seed: int) -> None:
    """The same hits in the same order, with the same similarities and texts."""
    counts = set()
    for request in requests(store, seed):
        hits = store.search(request)
        assert hits == reference(store, request)
        counts.add(len(hits))
    # Some found nothing above the gate, some as many as they wanted.
    assert 0 in counts
    assert max(counts) >= 10


def test_more_hits_than_entries_can_be_asked_for(store: Store) -> None:
    """Every entry that is a candidate is returned once, though all are wanted to differ."""
    count = min(store.count_entries(), 500)
    request = SearchRequest(
        vectors(1, dimension=64)[0], "", 4000, diversity=0.75, pool=16_000, breadth=100
    )
    hits = store.search(request)
    assert len({hit.entry.id for hit in hits}) == len(hits) >= count
    assert hits == reference(store, replace(request, diversity=None))


def test_a_query_far_from_all_entries_finds_nothing(store: Store) -> None:
    """A query that is far from everything finds nothing, and no texts are read for it."""
    assert store.search(SearchRequest(vectors(1, dimension=64)[0], min_similarity=0.999)) == []

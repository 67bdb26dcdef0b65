"""The dial: what a build finds out about how far a search must look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rm_local.memory import dense, rows
from rm_local.memory.bulk.build import build
from rm_local.memory.meta import Dial, default_dial
from rm_local.memory.search import Query, Searcher
from rm_local.memory.store import Store
from tests.faults.stores import MADE
from tests.stores import MadeSource

ROWS = 6000


@pytest.fixture(scope="module")
def source() -> MadeSource:
    """6,000 rows around sixty topics."""
    return MadeSource(ROWS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, source: MadeSource) -> Store:
    """A store of them with a hundred clusters."""
    path = tmp_path_factory.mktemp("dial") / "made.rms"
    build(path, source, embedder=MADE, clusters=100)
    return Store.open(path)


def test_the_limit_is_a_line_that_falls_with_the_similarity() -> None:
    """None at all where the dial has no reach, and never less than one bit."""
    assert Dial(5).limit(0.9) == 0
    assert Dial(5, reach=180, slope=60).limit(0.5) == 150
    assert Dial(5, reach=10, slope=60).limit(0.9) == 1


def test_a_store_without_clusters_still_has_candidates() -> None:
    """As many as a new store; with clusters there are more, the more of them."""
    assert default_dial(0) == Dial()
    assert 0 < default_dial(4).candidates < default_dial(64_000).candidates


def test_a_build_sets_a_reach_that_holds_most_candidates(store: Store, source: MadeSource) -> None:
    """Of searches near its rows, most find as many candidates within the limit as without."""
    searcher: Searcher = store._searcher
    dial = searcher.dial
    assert dial.reach > 0
    asked = source.vectors[::60]
    within = [len(searcher.near(Query(unit))) for unit in asked]
    searcher.dial = replace(dial, reach=0)
    wanted = [len(searcher.near(Query(unit))) for unit in asked]
    searcher.dial = dial
    assert np.mean(np.array(within) >= 0.9 * np.array(wanted)) > 0.7


def test_a_limit_that_is_too_near_is_given_up(store: Store, source: MadeSource) -> None:
    """A query unlike all that the limit was learnt from finds what it finds without a limit."""
    searcher: Searcher = store._searcher
    bits = searcher.quantiser.bits(source.vectors[:1])[0].tobytes()
    clusters = np.arange(100)
    readers = searcher._readers
    found = dense.near_within(readers, bits, 300, rows.Names(), clusters, 3)
    wanted = dense.near_within(readers, bits, 300, rows.Names(), clusters, 0)
    assert len(wanted) == 300
    assert np.array_equal(found, wanted)


def test_what_is_found_within_a_limit_is_the_nearest(store: Store, source: MadeSource) -> None:
    """The first of all, in the same order, however many lie within."""
    searcher: Searcher = store._searcher
    bits = searcher.quantiser.bits(source.vectors[7:8])[0].tobytes()
    clusters = np.arange(100)
    readers = searcher._readers
    wanted = dense.near_within(readers, bits, 300, rows.Names(), clusters, 0)
    limit = int(wanted[200] >> dense.ID_BITS)
    found = dense.near_within(readers, bits, 300, rows.Names(), clusters, limit)
    assert 200 <= len(found) <= 300
    assert np.array_equal(found, wanted[: len(found)])

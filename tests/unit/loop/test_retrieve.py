"""The retriever: what it asks of the store, and which vectors it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from rm_local.loop.retrieve import StoreRetriever
from rm_local.records import Entry, Hit
from rm_local.store.request import ANY_ENTRY, EntryFilter, SearchRequest
from tests.support.fakes import FakeEngine, hit

if TYPE_CHECKING:
    from rm_local.store.store import Store


class ListedStore:
    """A store that finds the hits it was given, and remembers what it was asked."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits = list(hits)
        self.requests: list[SearchRequest] = []

    def search(self, request: SearchRequest) -> list[Hit]:
        """The first k."""
        self.requests.append(request)
        return self.hits[: request.k]

    def sample_entries(self, k: int, seed: int) -> list[Entry]:
        """The last k."""
        return [hit.entry for hit in self.hits[-k:]]


def retriever(store: ListedStore, engine: FakeEngine | None = None) -> StoreRetriever:
    """A retriever over this store."""
    return StoreRetriever(engine or FakeEngine(), cast("Store", store))


async def test_a_question_becomes_one_request() -> None:
    """It carries the vector, the text, the plan's gate and margin, and the choice of diversity."""
    store, engine = ListedStore([hit(1), hit(2), hit(3)]), FakeEngine()
    found = await retriever(store, engine).search("how", 2, 0.3, 0.2)

    assert [each.entry.id for each in found] == [1, 2]
    (request,) = store.requests
    assert np.array_equal(request.vector, (await engine.embed(["how"]))[0])
    assert (request.text, request.k, request.filter, request.breadth) == ("how", 2, ANY_ENTRY, 1.0)
    assert (request.min_similarity, request.max_score_gap) == (0.3, 0.2)
    assert (request.min_lexical, request.diversity) == (0.5, 0.75)


@pytest.mark.parametrize(("k", "pool"), [(1, 32), (8, 32), (9, 36), (1000, 4000)])
async def test_the_pool_grows_with_the_hits_wanted(k: int, pool: int) -> None:
    """Four candidates for each, 32 at least; without a margin no gap is too large."""
    store = ListedStore([])
    await retriever(store).search("how", k, 0.0)

    assert (store.requests[0].pool, store.requests[0].max_score_gap) == (pool, inf)


async def test_a_search_can_be_filtered_and_broadened() -> None:
    """Both reach the store as they are."""
    store, wanted = ListedStore([]), EntryFilter(domain="math", level="school")
    await retriever(store).search("how", 3, -1.0, filter=wanted, breadth=2.5)

    assert (store.requests[0].filter, store.requests[0].breadth) == (wanted, 2.5)


async def test_a_subproblem_is_embedded_once() -> None:
    """Dropping a hit and asking again needs no second embedding."""
    engine = FakeEngine()
    recall = retriever(ListedStore([hit(1)]), engine)
    for text in ("how", "how", "why", "how"):
        await recall.search(text, 3, 0.0)

    assert engine.embedded == ["how", "why"]


async def test_the_cache_of_vectors_is_bounded() -> None:
    """The subproblem that was asked longest ago goes first."""
    engine = FakeEngine()
    recall = retriever(ListedStore([hit(1)]), engine)
    for text in [*map(str, range(64)), "0", "new", "0", "1"]:
        await recall.search(text, 3, 0.0)

    assert engine.embedded[-2:] == ["new", "1"]


async def test_random_hits_were_not_looked_for() -> None:
    """They claim no similarity."""
    hits = await retriever(ListedStore([hit(1), hit(2), hit(3)])).draw_random_hits(2, seed=5)

    assert [(h.entry.id, h.similarity) for h in hits] == [(2, 0.0), (3, 0.0)]

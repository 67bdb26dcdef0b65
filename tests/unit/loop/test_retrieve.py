"""The retriever: gate, thinning and cache, over a store in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from rm_local.loop.retrieve import Retriever
from rm_local.records import Entry, Hit
from tests.support.fakes import FakeEngine, hit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rm_local.store.store import Store


class ListedStore:
    """A store that finds what it was given; entries are unlike one another unless told so."""

    def __init__(self, hits: Sequence[Hit], same: Sequence[tuple[int, int]] = ()) -> None:
        self.hits = list(hits)
        self.same = dict(same)
        self.wanted: list[int] = []

    def search(self, vector: NDArray[np.float32], text: str = "", *, k: int = 10) -> list[Hit]:
        """The first k."""
        self.wanted.append(k)
        return self.hits[:k]

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """One direction for each entry, that of its original for a copy."""
        return np.eye(64, dtype=np.float32)[[self.same.get(each, each) for each in ids]]

    def sample(self, k: int, seed: int) -> list[Entry]:
        """The last k."""
        return [hit.entry for hit in self.hits[-k:]]


def retriever(hits: Sequence[Hit], same: Sequence[tuple[int, int]] = ()) -> Retriever:
    """A retriever over these hits."""
    return Retriever(FakeEngine(), cast("Store", ListedStore(hits, same)))


def ids(hits: Sequence[Hit]) -> list[int]:
    """Which entries."""
    return [hit.entry.id for hit in hits]


async def test_what_is_too_far_is_left_out() -> None:
    """The gate takes a similarity at it, and rare words at any similarity."""
    found = [hit(1, 0.5), hit(2, 0.3), hit(3, 0.29, lexical=0.4), hit(4, 0.1, lexical=0.5)]

    assert sorted(ids(await retriever(found).search("how", 10, 0.3))) == [1, 2, 4]
    assert await retriever([hit(1, 0.2)]).search("how", 10, 0.3) == ()
    assert await retriever([]).search("how", 10, 0.3) == ()


async def test_what_lies_far_behind_the_best_hit_is_left_out() -> None:
    """A margin is taken from the best score, in which the query's rare words count."""
    found = [hit(1, 0.95), hit(2, 0.8), hit(3, 0.7), hit(4, 0.6, lexical=1.0)]

    assert ids(await retriever(found).search("how", 10, 0.3, 0.2)) == [1, 2, 4]
    assert ids(await retriever(found).search("how", 10, 0.3)) == [1, 2, 3, 4]


async def test_near_duplicates_make_room() -> None:
    """A copy of the first hit gives way to one that says something else."""
    found = [hit(1, 0.9), hit(2, 0.89), hit(3, 0.7)]

    assert ids(await retriever(found).search("how", 2, 0.3)) == [1, 2]
    assert ids(await retriever(found, same=[(2, 1)]).search("how", 2, 0.3)) == [1, 3]


async def test_hits_come_best_first() -> None:
    """Thinning chooses which hits stay, and leaves their order as the store has it."""
    found = [hit(i, 1 - i / 40) for i in range(1, 30)]
    recall = retriever(found, same=[(2, 1), (5, 4), (9, 4)])

    for k in range(12):
        hits = ids(await recall.search("how", k, 0.0))
        assert len(hits) == k
        assert hits == sorted(hits)


async def test_a_subproblem_is_embedded_once() -> None:
    """Dropping a hit and asking again needs no second embedding."""
    engine = FakeEngine()
    recall = Retriever(engine, cast("Store", ListedStore([hit(1)])))
    for text in ("how", "how", "why", "how"):
        await recall.search(text, 3, 0.0)

    assert engine.embedded == ["how", "why"]


async def test_the_memory_of_vectors_is_bounded() -> None:
    """The subproblem that was asked longest ago goes first."""
    engine = FakeEngine()
    recall = Retriever(engine, cast("Store", ListedStore([hit(1)])))
    for text in [*map(str, range(64)), "0", "new", "0", "1"]:
        await recall.search(text, 3, 0.0)

    assert engine.embedded[-2:] == ["new", "1"]


async def test_random_hits_were_not_looked_for() -> None:
    """They claim no similarity."""
    hits = await retriever([hit(1), hit(2), hit(3)]).random(2, seed=5)

    assert [(h.entry.id, h.similarity) for h in hits] == [(2, 0.0), (3, 0.0)]

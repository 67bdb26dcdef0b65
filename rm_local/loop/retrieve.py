"""Hits for a subproblem: embedded, searched in a thread, gated and thinned."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.records import Hit
from rm_local.store.index.mmr import mmr
from rm_local.store.index.rare_words import score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rm_local.embed.query import QueryEmbedder
    from rm_local.store.store import Store

POOL = 32
"""Candidates at least, so that thinning has some to choose from."""
LEXICAL = 0.5
"""Share of the query's rare words from which a hit passes the gate at any similarity."""
TRADE = 0.75
"""MMR's lambda: what nearly repeats a better hit gives way, what is merely alike does not."""
REMEMBERED = 64
"""Subproblems whose vectors are kept."""


class Retriever:
    """The real Recall: an open store, and the embedder that it names."""

    def __init__(self, embedder: QueryEmbedder, store: Store) -> None:
        self._embedder = embedder
        self._store = store
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def store(self) -> Store:
        """The store that is searched."""
        return self._store

    async def search(
        self, subproblem: str, k: int, gate: float, margin: float = inf, **how: Any
    ) -> tuple[Hit, ...]:
        """At most `k` hits, best first, near-duplicates thinned; none below the gate.

        A hit passes with a similarity of `gate`, or with LEXICAL of the query's rare words, if its
        `memory.lexical.score` is at most `margin` lower than the best hit's. `how` is passed on to
        `Store.search`.
        Raises StoreError, EngineError.
        """
        vector = await self._vector(subproblem)
        return await asyncio.to_thread(self._search, vector, subproblem, k, gate, margin, how)

    async def random(self, k: int, seed: int) -> tuple[Hit, ...]:
        """`k` entries drawn by `seed`, with a similarity of 0: they were not looked for."""
        entries = await asyncio.to_thread(self._store.sample, k, seed)
        return tuple(Hit(entry, 0.0) for entry in entries)

    async def _vector(self, text: str) -> NDArray[np.float32]:
        if text not in self._vectors:
            self._vectors[text] = (await self._embedder.embed([text]))[0]
        self._vectors.move_to_end(text)
        if len(self._vectors) > REMEMBERED:
            self._vectors.popitem(last=False)
        return self._vectors[text]

    def _search(
        self,
        vector: NDArray[np.float32],
        text: str,
        k: int,
        gate: float,
        margin: float,
        how: dict[str, Any],
    ) -> tuple[Hit, ...]:
        pool = self._store.search(vector, text, k=max(POOL, 4 * k), **how)
        least = _score(pool[0]) - margin if pool else 0.0
        hits = [
            hit
            for hit in pool
            if (hit.similarity >= gate or hit.lexical >= LEXICAL) and _score(hit) >= least
        ]
        if len(hits) < 2:
            return tuple(hits[:k])
        vectors = self._store.vectors([hit.entry.id for hit in hits])
        relevance = np.array([_score(hit) for hit in hits])
        return tuple(hits[place] for place in sorted(mmr(vectors, relevance, k, TRADE)))


def _score(hit: Hit) -> float:
    return score(hit.similarity, hit.lexical)

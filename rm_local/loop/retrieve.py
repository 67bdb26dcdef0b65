"""Retrieves hits for a subproblem: embeds it, and asks the store in a thread."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from rm_local.loop.gate import GateVerdict
from rm_local.loop.question_gate import MIN_LEXICAL, QuestionGate
from rm_local.records import Hit
from rm_local.store import ANY_ENTRY, EntryFilter, SearchRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rm_local.embed import QueryEmbedder
    from rm_local.store import Store

MIN_POOL, POOL_PER_HIT = 32, 4
"""Candidates at least, and for each hit wanted, so that diversity has some to choose from."""
SUBPROBLEM_WEIGHT = 0.25
"""Of the subproblem's vector next to the question's. A small model's subproblem is often of another
field, a good one's is nearly the entry's own; a quarter hardly harms in the first case and gains
nearly all in the second (docs/experiments.md)."""
DIVERSITY = 0.75
"""MMR's lambda: near-duplicates of a better hit are dropped, what is merely similar is not."""
CACHED_VECTORS = 64
NAMESAKES = 64
"""Nearest entries among which one with a given subproblem has to be: others have its words in
another order, and so the same vector."""


class StoreRetriever:
    """The retriever over a store: an open store, and the embedder that it names."""

    def __init__(self, embedder: QueryEmbedder, store: Store) -> None:
        self._embedder = embedder
        self._store = store
        self._gate = QuestionGate(embedder, store)
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def store(self) -> Store:
        """The store that is searched."""
        return self._store

    async def search(
        self,
        subproblem: str,
        k: int,
        gate: float | None,
        margin: float = inf,
        *,
        question: str = "",
        filter: EntryFilter = ANY_ENTRY,
        breadth: float = 1.0,
    ) -> tuple[Hit, ...]:
        """At most `k` hits, best first, without near-duplicates; none below the gate.

        With a `question` the query is its vector and SUBPROBLEM_WEIGHT of the subproblem's. Without
        a `gate` the store's own scale is one: what is hardly nearer than to any sentence is left
        out. A hit passes with a similarity of `gate`, or with MIN_LEXICAL of the query's rare
        words, if its score is at most `margin` lower than the best one's. `filter` and `breadth`
        are those of `SearchRequest`. Raises StoreError, EngineError.
        """
        vector, text = await self._embed(subproblem), subproblem
        if question and question != subproblem:
            vector = await self._embed(question) + SUBPROBLEM_WEIGHT * vector
            text = f"{question}\n{subproblem}"
        if gate is None:
            gate = await self._gate.least_similarity()
        request = SearchRequest(
            vector,
            text,
            k,
            filter,
            breadth,
            min_similarity=gate,
            min_lexical=MIN_LEXICAL,
            max_score_gap=margin,
            diversity=DIVERSITY,
            pool=max(MIN_POOL, POOL_PER_HIT * k),
        )
        return tuple(await asyncio.to_thread(self._store.search, request))

    async def judge(self, question: str) -> GateVerdict:
        """Whether the store has an entry for `question`. Raises StoreError, EngineError."""
        return await self._gate.judge(await self._embed(question), question)

    async def nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """The cosine of each text with the question. Raises EngineError."""
        asked = await self._embed(question)
        return tuple(float(vector @ asked) for vector in await self._embedder.embed(texts))

    async def has_entry(self, subproblem: str) -> bool:
        """Whether an entry has just this subproblem. Raises StoreError, EngineError."""
        request = SearchRequest(await self._embed(subproblem), subproblem, NAMESAKES)
        hits = await asyncio.to_thread(self._store.search, request)
        return any(hit.entry.subproblem == subproblem for hit in hits)

    @property
    def gate_threshold(self) -> float:
        """The log-odds that open the gate of this store."""
        return self._gate.model.threshold

    async def random(self, k: int, seed: int) -> tuple[Hit, ...]:
        """`k` entries drawn by `seed`, with a similarity of 0: they were not looked for."""
        entries = await asyncio.to_thread(self._store.sample_entries, k, seed)
        return tuple(Hit(entry, 0.0) for entry in entries)

    async def _embed(self, text: str) -> NDArray[np.float32]:
        """The vector of `text`, (d,): of the last CACHED_VECTORS texts without the embedder."""
        if text not in self._vectors:
            self._vectors[text] = (await self._embedder.embed([text]))[0]
        self._vectors.move_to_end(text)
        if len(self._vectors) > CACHED_VECTORS:
            self._vectors.popitem(last=False)
        return self._vectors[text]

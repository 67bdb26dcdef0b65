"""Retrieves hits for a subproblem: embeds it, and searches the store in a thread."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from rm_local.loop.gate import GateVerdict
from rm_local.loop.question_gate import MIN_LEXICAL, StoreGate
from rm_local.records import Hit
from rm_local.store import ANY_ENTRY, EntryFilter, SearchRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rm_local.embed import QueryEmbedder
    from rm_local.store import Store

MIN_POOL, POOL_PER_HIT = 32, 4
"""Least candidates, and candidates per requested hit, for diversity to choose from."""
SUBPROBLEM_WEIGHT = 0.25
"""Weight of the subproblem's vector, relative to the question's. A small model's subproblem often
misses the subject; a good one nearly equals that of the entry. A quarter hardly harms in the first
case and has nearly the full effect in the second (docs/measurements/experiments.md)."""
DIVERSITY = 0.75
"""MMR's lambda: drops near-duplicates of a better hit, but keeps hits that are only similar."""
CACHED_VECTORS = 64
NAMESAKE_POOL = 64
"""Nearest entries that are searched for a given subproblem: entries with the same words in another
order can have the same vector."""


class StoreRetriever:
    """Retrieves from an open store, with the embedder that the store names."""

    def __init__(self, embedder: QueryEmbedder, store: Store) -> None:
        self._embedder = embedder
        self._store = store
        self._gate = StoreGate(embedder, store)
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
        """Find at most `k` hits, best first, without near-duplicates.

        With a `question` the query vector is the question's plus SUBPROBLEM_WEIGHT times the
        subproblem's. A hit needs a similarity of `gate`, or MIN_LEXICAL of the query's rare words,
        and a score at most `margin` below the best. `gate` None: a value on the store's own scale,
        above what entries have to any sentence. `filter` and `breadth`: see `SearchRequest`.

        Raises:
            StoreError, EngineError: The search or the embedder failed.
        """
        vector, text = await self._embed_text(subproblem), subproblem
        if question and question != subproblem:
            vector = await self._embed_text(question) + SUBPROBLEM_WEIGHT * vector
            text = f"{question}\n{subproblem}"
        if gate is None:
            gate = await self._gate.compute_min_similarity()
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

    async def judge_question(self, question: str) -> GateVerdict:
        """Judge whether the store has an entry for `question`. Raises StoreError, EngineError."""
        return await self._gate.judge_question(await self._embed_text(question), question)

    async def measure_nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """Measure the cosine of each text with the question. Raises EngineError."""
        asked = await self._embed_text(question)
        return tuple(float(vector @ asked) for vector in await self._embedder.embed(texts))

    async def has_entry(self, subproblem: str) -> bool:
        """Whether an entry has exactly this subproblem. Raises StoreError, EngineError."""
        request = SearchRequest(await self._embed_text(subproblem), subproblem, NAMESAKE_POOL)
        hits = await asyncio.to_thread(self._store.search, request)
        return any(hit.entry.subproblem == subproblem for hit in hits)

    @property
    def gate_threshold(self) -> float:
        """The log-odds that open the gate of this store."""
        return self._gate.model.threshold

    async def draw_entries(self, k: int, seed: int) -> tuple[Hit, ...]:
        """Draw `k` entries by `seed`; their similarity is 0, since they are not search results."""
        entries = await asyncio.to_thread(self._store.sample_entries, k, seed)
        return tuple(Hit(entry, 0.0) for entry in entries)

    async def _embed_text(self, text: str) -> NDArray[np.float32]:
        """The vector of `text`, (d,). The last CACHED_VECTORS vectors are cached."""
        if text not in self._vectors:
            self._vectors[text] = (await self._embedder.embed([text]))[0]
        self._vectors.move_to_end(text)
        if len(self._vectors) > CACHED_VECTORS:
            self._vectors.popitem(last=False)
        return self._vectors[text]

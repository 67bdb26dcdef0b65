"""Searches an open store: embeds the query, and runs the search in a thread."""

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
"""Number of candidates from which the hits are chosen by diversity: at least MIN_POOL, and at least
POOL_PER_HIT for each requested hit."""
SUBPROBLEM_WEIGHT = 0.25
"""Weight of the subproblem's vector, relative to the question's. A small model's subproblem often
misses the subject; a good subproblem nearly equals that of the entry. A quarter does little harm in
the first case and has nearly the full effect in the second (docs/measurements/experiments.md)."""
DIVERSITY = 0.75
"""lambda of maximal marginal relevance, 0 to 1: near-duplicates of a better hit are dropped,
similar hits are kept."""
CACHED_VECTORS = 64
NAMESAKE_POOL = 64
"""Number of nearest entries whose text `has_entry` compares: entries with the same words in another
order can have the same vector."""


class StoreRetriever:
    """Searches an open store with its embedder, and decides by its gate; used by turns."""

    def __init__(self, embedder: QueryEmbedder, store: Store) -> None:
        self._embedder = embedder
        self._store = store
        self._gate = StoreGate(embedder, store)
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def store(self) -> Store:
        """The store that this retriever searches."""
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
        subproblem's. A hit has at least the similarity `gate`, or MIN_LEXICAL of the query's rare
        words, and a score at most `margin` below the best. `gate` None: a minimum is derived from
        the similarity of entries to unrelated sentences. `filter`, `breadth`: see `SearchRequest`.

        Raises:
            StoreError, EngineError: The search or the embedder failed.
        """
        vector, text = await self._embed_text(subproblem), subproblem
        if question and question != subproblem:
            vector = await self._embed_text(question) + SUBPROBLEM_WEIGHT * vector
            text = f"{question}\n{subproblem}"
        if gate is None:
            gate = await self._gate.derive_min_hit_similarity()
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
        """Decide by the gate whether the store has an entry that helps with `question`.

        Raises:
            StoreError, EngineError: The search or the embedder failed.
        """
        return await self._gate.judge_question(await self._embed_text(question), question)

    async def measure_nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """Return the cosine similarity of each text to the question, -1 to 1.

        Raises:
            EngineError: The embedder failed.
        """
        asked = await self._embed_text(question)
        return tuple(float(vector @ asked) for vector in await self._embedder.embed(texts))

    async def has_entry(self, subproblem: str) -> bool:
        """Return whether the store has an entry with exactly this subproblem.

        Raises:
            StoreError, EngineError: The search or the embedder failed.
        """
        request = SearchRequest(await self._embed_text(subproblem), subproblem, NAMESAKE_POOL)
        hits = await asyncio.to_thread(self._store.search, request)
        return any(hit.entry.subproblem == subproblem for hit in hits)

    @property
    def gate_threshold(self) -> float:
        """Log-odds from which the gate of this store lets a question have hits."""
        return self._gate.gate_model.threshold

    async def draw_random_entries(self, k: int, seed: int) -> tuple[Hit, ...]:
        """Choose `k` entries at random by `seed`; their similarity is 0."""
        entries = await asyncio.to_thread(self._store.sample_entries, k, seed)
        return tuple(Hit(entry, 0.0) for entry in entries)

    async def _embed_text(self, text: str) -> NDArray[np.float32]:
        """Embed `text` as an array (d,); vectors of the last CACHED_VECTORS texts are cached."""
        if text not in self._vectors:
            self._vectors[text] = (await self._embedder.embed([text]))[0]
        self._vectors.move_to_end(text)
        if len(self._vectors) > CACHED_VECTORS:
            self._vectors.popitem(last=False)
        return self._vectors[text]

"""What turns ask of open stores: hits, and the gates' decision whether a question has any.

The stores are searched as one, in a thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, TypeVar

from rm_local.errors import StoreError
from rm_local.loop.gate import GateVerdict
from rm_local.loop.question_gate import MIN_LEXICAL, ProbeVectorLoader, StoreGate
from rm_local.records import Hit
from rm_local.store import ANY_ENTRY, EntryFilter, SearchRequest, StoreSet

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
T = TypeVar("T")
NAMESAKE_POOL = 64
"""Number of nearest entries whose text `has_entry` compares: entries with the same words in another
order can have the same vector."""


class StoreRetriever:
    """Searches open stores with their embedder, and decides by their gates; used by turns."""

    def __init__(self, embedder: QueryEmbedder, store: Store | StoreSet) -> None:
        """Create the retriever over one store, or over several that are searched as one."""
        self._embedder = embedder
        self._stores = store if isinstance(store, StoreSet) else StoreSet([store])
        probes = ProbeVectorLoader(embedder)
        self._gates = [StoreGate(probes, each) for each in self._stores.stores]
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def stores(self) -> StoreSet:
        """The stores that this retriever searches."""
        return self._stores

    async def search(
        self,
        subproblem: str,
        k: int,
        min_similarity: float | None,
        max_score_gap: float = inf,
        *,
        question: str = "",
        filter: EntryFilter = ANY_ENTRY,
        breadth: float = 1.0,
    ) -> tuple[Hit, ...]:
        """Find at most `k` hits, best first, without near-duplicates.

        With a `question` the query vector is the question's plus SUBPROBLEM_WEIGHT times the
        subproblem's. A hit has at least the similarity `min_similarity`, or MIN_LEXICAL of the
        query's rare words, and a score at most `max_score_gap` below the best. `min_similarity`
        None: a minimum is derived from the similarity of entries to unrelated sentences, of several
        stores the highest. `filter`, `breadth`: see `SearchRequest`.

        Raises:
            StoreError, EngineError: The search or the embedder failed.
        """
        vector, text = await self._embed_text(subproblem), subproblem
        if question and question != subproblem:
            vector = await self._embed_text(question) + SUBPROBLEM_WEIGHT * vector
            text = f"{question}\n{subproblem}"
        if min_similarity is None:
            min_similarity = max(
                await self._ask_gates_skipping_failed_stores(StoreGate.derive_min_hit_similarity)
            )
        request = SearchRequest(
            vector,
            text,
            k,
            filter,
            breadth,
            min_similarity=min_similarity,
            min_lexical=MIN_LEXICAL,
            max_score_gap=max_score_gap,
            diversity=DIVERSITY,
            pool=max(MIN_POOL, POOL_PER_HIT * k),
        )
        return tuple(await asyncio.to_thread(self._stores.search, request))

    async def judge_question(self, question: str) -> GateVerdict:
        """Decide by the gate whether a store has an entry that helps with `question`.

        It fits if it fits any store; its probability is the highest of all stores.

        Raises:
            StoreError, EngineError: The search or the embedder failed.
        """
        vector = await self._embed_text(question)
        verdicts = await self._ask_gates_skipping_failed_stores(
            lambda gate: gate.judge_question(vector, question)
        )
        probability = max(each.probability for each in verdicts)
        return GateVerdict(any(each.fits for each in verdicts), probability)

    async def measure_nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """Return the cosine similarity of each text to the question, -1 to 1.

        Raises:
            EngineError: The embedder failed.
        """
        asked = await self._embed_text(question)
        return tuple(float(vector @ asked) for vector in await self._embedder.embed(texts))

    async def has_entry(self, subproblem: str) -> bool:
        """Return whether an entry has exactly the text `subproblem` as its subproblem.

        Only the NAMESAKE_POOL entries nearest to it are compared.

        Raises:
            StoreError, EngineError: The search or the embedder failed.
        """
        request = SearchRequest(await self._embed_text(subproblem), subproblem, NAMESAKE_POOL)
        hits = await asyncio.to_thread(self._stores.search, request)
        return any(hit.entry.subproblem == subproblem for hit in hits)

    @property
    def gate_log_odds_threshold(self) -> float:
        """Log-odds from which the gate of these stores lets a question have hits.

        It is that of the first store: all have one embedder.
        """
        return self._gates[0].gate_model.threshold

    async def draw_random_hits(self, k: int, seed: int) -> tuple[Hit, ...]:
        """Choose `k` entries at random by `seed`; their similarity is 0."""
        return tuple(await asyncio.to_thread(self._stores.sample_hits, k, seed))

    async def _ask_gates_skipping_failed_stores(
        self, ask: Callable[[StoreGate], Awaitable[T]]
    ) -> list[T]:
        """Await `ask` with the gate of each store; a store that fails is left out.

        Raises:
            StoreError: All failed, or the set does not tolerate the failure of a store.
            EngineError: The embedder failed.
        """
        results: list[T] = []
        failures: list[StoreError] = []
        for gate in self._gates:
            try:
                results.append(await ask(gate))
            except StoreError as error:
                failures.append(self._stores.report_or_raise_store_error(error))
        if not results:
            raise failures[0]
        return results

    async def _embed_text(self, text: str) -> NDArray[np.float32]:
        """Embed `text` as an array (d,); vectors of the last CACHED_VECTORS texts are cached."""
        if text not in self._vectors:
            self._vectors[text] = (await self._embedder.embed([text]))[0]
        self._vectors.move_to_end(text)
        if len(self._vectors) > CACHED_VECTORS:
            self._vectors.popitem(last=False)
        return self._vectors[text]

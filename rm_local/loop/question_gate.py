"""The gate of an open store: decides whether the store has an entry for a question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from rm_local.embed import ASIDES, PROBES, PROBES_SHA256
from rm_local.loop.gate import (
    ASIDE_MARGIN,
    GATE_MODELS,
    GateFeatures,
    GateModel,
    GateVerdict,
    compute_gate_features,
    judge_features,
)
from rm_local.loop.gate_cache import (
    read_cached_probe_vectors,
    read_cached_spread,
    try_cache_probe_vectors,
    try_cache_spread,
)
from rm_local.store import (
    SearchRequest,
    UnrelatedSimilaritySpread,
    measure_unrelated_similarity_spread,
)

if TYPE_CHECKING:
    from rm_local.arrays import Floats
    from rm_local.embed import QueryEmbedder
    from rm_local.store import EmbedderId, Store

POOL_SIZE = 32
"""Number of nearest entries from which the features of a question are computed."""
MIN_LEXICAL = 0.5
"""Share of a question's rare words, 0 to 1, from which an entry that contains them counts as
fitting, whatever its similarity: the embedder does not know these words."""


class ProbeVectorLoader:
    """The vectors of the probe sentences by one embedder: loaded once, for the gates of a set."""

    def __init__(self, embedder: QueryEmbedder) -> None:
        self._embedder = embedder
        self._vectors: Floats | None = None
        self._loading = asyncio.Lock()

    async def load_or_embed(self, id: EmbedderId) -> Floats:
        """Return the vectors, an array (n, d), from the cache; or embed and cache them.

        `id` is that of the embedder.

        Raises:
            EngineError: The embedder failed.
        """
        async with self._loading:
            if self._vectors is None:
                self._vectors = await asyncio.to_thread(read_cached_probe_vectors, id)
            if self._vectors is None:
                self._vectors = await self._embedder.embed(PROBES)
                await asyncio.to_thread(try_cache_probe_vectors, id, self._vectors)
            return self._vectors


class StoreGate:
    """Decides for one store whether it has an entry for a question.

    The first question measures the scale of its similarities, unless it is stored or cached.
    """

    def __init__(self, probes: ProbeVectorLoader, store: Store) -> None:
        self._probes = probes
        self._store = store
        self._spread: UnrelatedSimilaritySpread | None = None
        self._measuring = asyncio.Lock()

    async def judge_question(self, vector: Floats, question: str) -> GateVerdict:
        """Decide whether the store has an entry for `question`; its embedding is `vector`, (d,).

        Every question fits a store with an embedder without a gate model.

        Raises:
            StoreError, EngineError: The scale cannot be measured, or the search failed.
        """
        if self._store.read_info().embedder.id not in GATE_MODELS:
            return GateVerdict(True, 1.0)  # no model is fitted for a custom embedder
        found = await self.search_for_features_and_lexical_share(vector, question)
        if found is None:
            return GateVerdict(False, 0.0)
        features, lexical = found
        verdict = judge_features(features, self.gate_model)
        if lexical >= MIN_LEXICAL and features.aside <= ASIDE_MARGIN:
            return GateVerdict(True, verdict.probability)
        return verdict

    async def search_for_features_and_lexical_share(
        self, vector: Floats, question: str
    ) -> tuple[GateFeatures, float] | None:
        """Search the store for the question, and compute the gate's features from the hits.

        Also return the largest share, 0 to 1, of the question's rare words that one of these hits
        contains. None for an empty store. Errors as in `judge_question`.
        """
        async with self._measuring:
            probes, spread = await self._load_or_measure_probes_and_spread()
        return await asyncio.to_thread(
            self._search_and_compute_blocking, vector, question, probes, spread
        )

    async def derive_min_hit_similarity(self) -> float:
        """Compute a minimum similarity of hits: just above that of entries to unrelated sentences.

        Errors as in `judge_question`.
        """
        async with self._measuring:
            _, spread = await self._load_or_measure_probes_and_spread()
        return spread.middle + spread.width

    @property
    def gate_model(self) -> GateModel:
        """The gate's logistic model for the store's embedder.

        Raises:
            KeyError: There is no model for this embedder.
        """
        return GATE_MODELS[self._store.read_info().embedder.id]

    async def _load_or_measure_probes_and_spread(self) -> tuple[Floats, UnrelatedSimilaritySpread]:
        """Return the probe sentences' vectors, an array (n, d), and the spread of the store.

        The spread is kept in memory; else it is read from the store or the cache, or measured and
        cached.
        """
        info = await asyncio.to_thread(self._store.read_info)
        probes = await self._probes.load_or_embed(info.embedder)
        if self._spread is None:
            self._spread = await asyncio.to_thread(self._store.read_spread, PROBES_SHA256)
        if self._spread is None or not self._spread.is_current(info.entries):
            self._spread = await asyncio.to_thread(read_cached_spread, info)
        if self._spread is None or not self._spread.is_current(info.entries):
            self._spread = await asyncio.to_thread(
                measure_unrelated_similarity_spread, self._store, probes
            )
            await asyncio.to_thread(try_cache_spread, info, self._spread)
        return probes, self._spread

    def _search_and_compute_blocking(
        self, vector: Floats, question: str, probes: Floats, spread: UnrelatedSimilaritySpread
    ) -> tuple[GateFeatures, float] | None:
        """Search the store and compute the features; it blocks, so it runs in a thread."""
        hits = self._store.search(SearchRequest(vector, question, POOL_SIZE))
        if not hits:
            return None
        hits.sort(key=lambda hit: -hit.similarity)
        entries = self._store.read_vectors([hit.entry.id for hit in hits])
        to_probes = np.asarray(probes @ entries.T)
        aside = float((probes[: len(ASIDES)] @ vector).max())
        features = compute_gate_features([hit.similarity for hit in hits], to_probes, spread, aside)
        return features, max(hit.lexical for hit in hits)

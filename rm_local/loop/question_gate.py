"""The gate of an open store: measures the store's scale once, then judges questions."""

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
    compute_features,
    judge_features,
)
from rm_local.loop.gate_cache import (
    read_probe_vectors,
    read_spread,
    write_probe_vectors,
    write_spread,
)
from rm_local.store import SearchRequest, StoreSpread, measure_spread

if TYPE_CHECKING:
    from rm_local.arrays import Floats
    from rm_local.embed import QueryEmbedder
    from rm_local.store import Store

POOL_SIZE = 32
"""Number of hits of a question that are examined."""
MIN_LEXICAL = 0.5
"""Share of the question's rare words in an entry at which the gate opens regardless of similarity:
the embedder has never seen these words."""


class StoreGate:
    """The gate of one store: judges questions. The first question measures the store's scale."""

    def __init__(self, embedder: QueryEmbedder, store: Store) -> None:
        self._embedder = embedder
        self._store = store
        self._probes: Floats | None = None
        self._spread: StoreSpread | None = None
        self._measuring = asyncio.Lock()

    async def judge_question(self, vector: Floats, question: str) -> GateVerdict:
        """Judge whether the store has an entry for `question`; `vector`, an array (d,), embeds it.

        Raises:
            StoreError, EngineError: The scale cannot be measured, or the search failed.
        """
        if self._store.read_info().embedder.id not in GATE_MODELS:
            return GateVerdict(True, 1.0)  # no model is fitted for a custom embedder
        found = await self.measure_features(vector, question)
        if found is None:
            return GateVerdict(False, 0.0)
        features, lexical = found
        verdict = judge_features(features, self.gate_model)
        if lexical >= MIN_LEXICAL and features.aside <= ASIDE_MARGIN:
            return GateVerdict(True, verdict.probability)
        return verdict

    async def measure_features(
        self, vector: Floats, question: str
    ) -> tuple[GateFeatures, float] | None:
        """Measure the question's features, and the largest share of its rare words in a hit.

        None for an empty store. The errors are those of `judge_question`.
        """
        async with self._measuring:
            probes, spread = await self._load_scale()
        return await asyncio.to_thread(self._measure_features, vector, question, probes, spread)

    async def compute_min_similarity(self) -> float:
        """Compute the minimum similarity of a hit: that of entries to unrelated sentences.

        The errors are those of `judge_question`.
        """
        async with self._measuring:
            _, spread = await self._load_scale()
        return spread.middle + spread.width

    @property
    def gate_model(self) -> GateModel:
        """The gate's logistic model for this store's embedder."""
        return GATE_MODELS[self._store.read_info().embedder.id]

    async def _load_scale(self) -> tuple[Floats, StoreSpread]:
        """Load or measure the probe sentences' vectors, an array (n, d), and the store's spread."""
        info = await asyncio.to_thread(self._store.read_info)
        if self._probes is None:
            self._probes = await asyncio.to_thread(read_probe_vectors, info.embedder)
        if self._probes is None:
            self._probes = await self._embedder.embed(PROBES)
            await asyncio.to_thread(write_probe_vectors, info.embedder, self._probes)
        if self._spread is None:
            self._spread = await asyncio.to_thread(self._store.read_spread, PROBES_SHA256)
        if self._spread is None or not self._spread.is_current(info.entries):
            self._spread = await asyncio.to_thread(read_spread, info)
        if self._spread is None or not self._spread.is_current(info.entries):
            self._spread = await asyncio.to_thread(measure_spread, self._store, self._probes)
            await asyncio.to_thread(write_spread, info, self._spread)
        return self._probes, self._spread

    def _measure_features(
        self, vector: Floats, question: str, probes: Floats, spread: StoreSpread
    ) -> tuple[GateFeatures, float] | None:
        hits = self._store.search(SearchRequest(vector, question, POOL_SIZE))
        if not hits:
            return None
        hits.sort(key=lambda hit: -hit.similarity)
        entries = self._store.read_vectors([hit.entry.id for hit in hits])
        to_probes = np.asarray(probes @ entries.T)
        aside = float((probes[: len(ASIDES)] @ vector).max())
        features = compute_features([hit.similarity for hit in hits], to_probes, spread, aside)
        return features, max(hit.lexical for hit in hits)

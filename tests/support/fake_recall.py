"""A retriever over a list of hits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf

from rm_local.errors import RmLocalError
from rm_local.loop.gate import GateVerdict
from rm_local.records import Hit
from tests.support.fakes import hit


class FakeRecall:
    """`rm_local.loop.interfaces.Retriever`: the same hits for every subproblem, best first."""

    def __init__(
        self,
        hits: Sequence[Hit] = (hit(1, 0.9), hit(2, 0.7), hit(3, 0.5)),
        *,
        gate: asyncio.Event | None = None,
        error: RmLocalError | None = None,
        fits: bool = True,
    ) -> None:
        """`search` waits for `gate`, then raises `error` if there is one."""
        self.hits = tuple(hits)
        self.gate = gate
        self.error = error
        self.asked: list[str] = []
        self.questions: list[str] = []
        """What each subproblem was searched for with; empty: nothing."""
        self.fits = fits
        self.judged: list[str] = []

    async def judge_question(self, question: str) -> GateVerdict:
        """What `fits` says, for every question."""
        self.judged.append(question)
        return GateVerdict(self.fits, 0.9 if self.fits else 0.1)

    async def search(
        self,
        subproblem: str,
        k: int,
        min_similarity: float | None,
        max_score_gap: float = inf,
        *,
        question: str = "",
    ) -> tuple[Hit, ...]:
        """The first `k` hits from `min_similarity`, and at most `max_score_gap` below the best."""
        self.asked.append(subproblem)
        self.questions.append(question)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        best = max((h.similarity for h in self.hits), default=0.0)
        least = max(-1.0 if min_similarity is None else min_similarity, best - max_score_gap)
        return tuple(h for h in self.hits if h.similarity >= least)[:k]

    async def measure_nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """The share of the question's words that each text has."""
        asked = set(question.lower().split())
        return tuple(len(asked & set(text.lower().split())) / len(asked) for text in texts)

    async def draw_random_hits(self, k: int, seed: int) -> tuple[Hit, ...]:
        """`k` hits from a place in the list that the seed decides."""
        if not self.hits:
            return ()
        start = seed % len(self.hits)
        return (self.hits[start:] + self.hits[:start])[:k]

"""Measure the engine's prefill and decoding against the bare loop and one branch at a time.

All arms run in turn, forwards and backwards, and ratios are taken within a round, so that other
load on the machine affects all arms equally. Figures are medians over the rounds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from rm_local.bench.engine.bare_client import BareClient
from rm_local.engine import BranchSpec, Engine, Message, Sampling, TokenChunk
from rm_local.progress import ProgressCallback, ProgressMeter

BRANCHES = (1, 2, 4, 8, 16, 32)
_GREEDY = Sampling(temperature=0)
_BARE, _ALONE = "llama.cpp alone", "one branch, greedy"
_CONFIDENT, _CONSTRAINED = "with its confidence", "under a grammar"
_SAMPLED = BranchSpec("", 0, 0, endless=True)
_ALONES = {
    _ALONE: BranchSpec("", 0, 0, _GREEDY, endless=True),
    _CONFIDENT: BranchSpec("", 0, 0, _GREEDY, endless=True, logprobs=0),
    _CONSTRAINED: BranchSpec("", 0, 0, _GREEDY, grammar="root ::= [^\\x00] root"),
}
"""Arms of one branch. The grammar allows any text, but never the end."""


@dataclass(frozen=True, slots=True)
class EngineBench:
    """Results; tokens per second unless stated otherwise."""

    model: str
    device: str
    prompt_tokens: int
    written_tokens: int
    """Tokens written by each branch in a round."""
    rounds: int
    decode_tokens_per_s: float
    """One branch, greedy."""
    decode_ratio_to_bare: float
    """Ratio to a loop over `llama_decode` on the same file in the same round."""
    confidence_ratio: float
    """Ratio of one branch whose confidence is recorded to one whose is not."""
    grammar_ratio: float
    """Ratio of one branch under a grammar that allows any text to one without a grammar."""
    prefill_tokens_per_s: float
    prefill_ratio_to_bare: float
    time_to_first_token_s: float
    """From a question of `prompt_tokens` to the first text."""
    branches_tokens_per_s: dict[str, float]
    """All branches together, by their number; sampled."""
    branch_speedup: dict[str, float]
    """Ratio of that to one branch after another."""
    memory_mb: float
    """Peak of the engine's process, including weights; 0 where the system does not report it."""


@dataclass(frozen=True, slots=True)
class EngineBenchSize:
    """Amount of work in a bench."""

    rounds: int = 5
    prompt: int = 256
    """Tokens to read; at most a quarter of the context that the model was trained with."""
    seconds: float = 1.0
    """Approximate time for which one branch writes in a round."""


async def bench_engine(
    engine: Engine, bare: BareClient, model: Path, effort: EngineBenchSize, report: ProgressCallback
) -> EngineBench:
    """Measure a model.

    Raises:
        EngineError, ModelError: the model cannot be loaded or run.
    """
    info = await engine.load_model(model)
    prompt = min(effort.prompt, info.trained_context // 4)
    await bare.measure_seconds(prompt, 8)
    seconds = (await bare.measure_seconds(prompt, 8))[1]
    tokens = max(16, min(128, round(8 * effort.seconds / seconds), info.trained_context // 4))
    info = await engine.load_model(model, context=2 * prompt + max(BRANCHES) * (tokens + 8))
    rounds = _RoundRunner(engine, bare, prompt, tokens)
    await rounds.run_round(forwards=True)
    rounds.clear_results()
    meter = ProgressMeter(report, "rounds", effort.rounds)
    for number in range(effort.rounds):
        await rounds.run_round(forwards=number % 2 == 0)
        meter.reach(number + 1)
    speed = rounds.speed
    return EngineBench(
        model=info.name,
        device=info.device,
        prompt_tokens=round(median(rounds.read)),
        written_tokens=tokens,
        rounds=effort.rounds,
        decode_tokens_per_s=round(median(speed[_ALONE]), 1),
        decode_ratio_to_bare=_compute_ratio(speed[_ALONE], speed[_BARE]),
        confidence_ratio=_compute_ratio(speed[_CONFIDENT], speed[_ALONE]),
        grammar_ratio=_compute_ratio(speed[_CONSTRAINED], speed[_ALONE]),
        prefill_tokens_per_s=round(median(rounds.prefill), 1),
        prefill_ratio_to_bare=_compute_ratio(rounds.prefill, rounds.bare_prefill),
        time_to_first_token_s=round(median(rounds.first), 4),
        branches_tokens_per_s={str(m): round(median(speed[str(m)]), 1) for m in BRANCHES},
        branch_speedup={str(m): _compute_ratio(speed[str(m)], speed["1"]) for m in BRANCHES[1:]},
        memory_mb=round((await engine.get_stats()).memory / 1e6, 1),
    )


class _RoundRunner:
    """Runs rounds, and collects their figures by arm."""

    def __init__(self, engine: Engine, bare: BareClient, prompt: int, tokens: int) -> None:
        self._engine = engine
        self._bare = bare
        self._prompt = prompt
        self._tokens = tokens
        self._number = 0
        self.clear_results()

    def clear_results(self) -> None:
        """Discard the figures of all rounds so far."""
        self.speed: dict[str, list[float]] = {}
        self.prefill: list[float] = []
        self.bare_prefill: list[float] = []
        self.first: list[float] = []
        self.read: list[int] = []

    async def run_round(self, *, forwards: bool) -> None:
        """Run all arms once. Prefill comes first, as the branches continue from its prompt."""
        self._number += 1
        await self._measure_prefill()
        arms = [_BARE, *_ALONES, *map(str, BRANCHES)]
        for arm in arms if forwards else reversed(arms):
            speed = await (self._measure_bare() if arm == _BARE else self._measure_branches(arm))
            self.speed.setdefault(arm, []).append(speed)

    async def _measure_bare(self) -> float:
        reading, writing = await self._bare.measure_seconds(self._prompt, self._tokens)
        self.bare_prefill.append(self._prompt / reading)
        return self._tokens / writing

    async def _measure_branches(self, arm: str) -> float:
        """Measure tokens per second from the request to the end of the last branch."""
        one, count = (_ALONES[arm], 1) if arm in _ALONES else (_SAMPLED, int(arm))
        specs = [replace(one, seed=n, max_tokens=self._tokens) for n in range(count)]
        began = time.perf_counter()
        await self._consume_branches(specs)
        return count * self._tokens / (time.perf_counter() - began)

    async def _measure_prefill(self) -> None:
        """Read a prompt that shares no prefix with earlier ones, so that none of it is cached."""
        each = max(1, await self._engine.count_tokens(" number" * 50) // 50)
        text = f"{self._number}" + " number" * (self._prompt // each)
        before = (await self._engine.get_stats()).prompt
        began = time.perf_counter()
        await self._engine.open_turn([Message("user", text)])
        opened = time.perf_counter()
        read = (await self._engine.get_stats()).prompt - before
        growing = time.perf_counter()
        first = await self._consume_branches([BranchSpec("", 0, 4, _GREEDY, endless=True)])
        self.first.append(opened - began + first - growing)
        self.prefill.append(read / (opened - began))
        self.read.append(read)

    async def _consume_branches(self, specs: Sequence[BranchSpec]) -> float:
        """Consume all events; return the clock's time at the first text."""
        first = 0.0
        async for event in self._engine.generate_branches(specs):
            if not first and isinstance(event, TokenChunk):
                first = time.perf_counter()
        return first


def _compute_ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """Compute the median of the ratios within the rounds."""
    return round(median(a / b for a, b in zip(these, those, strict=True)), 3)

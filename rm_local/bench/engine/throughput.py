"""Measures the engine's prefill and decoding, compared with a bare loop over llama.cpp.

In each round all arms (the measured variants) run in turn, in alternating order, and ratios are
computed within a round: so other load on the machine affects all arms equally. Figures are medians
over the rounds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from rm_local.bench.engine.bare_client import BareLlamaLoopProcess
from rm_local.engine import BranchSpec, Engine, Message, SamplingParameters, TokenChunk
from rm_local.progress import ProgressCallback, ProgressMeter

BRANCHES = (1, 2, 4, 8, 16, 32)
_GREEDY = SamplingParameters(temperature=0)
_BARE, _ALONE = "llama.cpp alone", "one branch, greedy"
_CONFIDENT, _CONSTRAINED = "with its confidence", "under a grammar"
_SAMPLED = BranchSpec("", 0, 0, endless=True)
_ALONES = {
    _ALONE: BranchSpec("", 0, 0, _GREEDY, endless=True),
    _CONFIDENT: BranchSpec("", 0, 0, _GREEDY, endless=True, logprobs=0),
    _CONSTRAINED: BranchSpec("", 0, 0, _GREEDY, grammar="root ::= [^\\x00] root"),
}
"""Arms (variants) with one branch, by name. The grammar allows any text, but never the end."""


@dataclass(frozen=True, slots=True)
class EngineBenchResult:
    """Results of `bench_engine`: speeds, ratios and memory, medians over the rounds."""

    model: str
    device: str
    prompt_tokens: int
    written_tokens: int
    """Tokens written by each branch in a round."""
    rounds: int
    decode_tokens_per_s: float
    """Speed of one branch with greedy sampling."""
    decode_ratio_to_bare: float
    """Speed of one branch / speed of a loop over `llama_decode` on the same file."""
    confidence_ratio: float
    """Speed of one branch with recorded confidence / without."""
    grammar_ratio: float
    """Speed of one branch with a grammar for any text / without a grammar."""
    prefill_tokens_per_s: float
    prefill_ratio_to_bare: float
    time_to_first_token_s: float
    """Seconds from a question of `prompt_tokens` tokens to the first text."""
    branches_tokens_per_s: dict[str, float]
    """Total speed of several sampled branches, by the number of branches."""
    branch_speedup: dict[str, float]
    """Total speed of several sampled branches / speed of one, by the number of branches."""
    memory_mb: float
    """Peak memory of the engine's process with weights; 0 where the system does not report it."""


@dataclass(frozen=True, slots=True)
class EngineBenchWorkload:
    """Amount of work for `bench_engine`."""

    rounds: int = 5
    prompt: int = 256
    """Tokens of the prompt; at most a quarter of the model's training context."""
    seconds: float = 1.0
    """Approximate writing time of one branch in a round."""


async def bench_engine(
    engine: Engine,
    bare: BareLlamaLoopProcess,
    model: Path,
    effort: EngineBenchWorkload,
    report: ProgressCallback,
    *,
    name: str = "",
) -> EngineBenchResult:
    """Measure the speed of a model in the engine and in the bare loop over llama.cpp.

    `name` is the model's name in the result; by default the one that its file states.

    Raises:
        EngineError, ModelError: The model cannot be loaded or run.
    """
    info = await engine.load_model(model, name=name)
    prompt = min(effort.prompt, info.trained_context // 4)
    await bare.measure_prefill_and_decode_seconds(prompt, 8)
    seconds = (await bare.measure_prefill_and_decode_seconds(prompt, 8))[1]
    tokens = max(16, min(128, round(8 * effort.seconds / seconds), info.trained_context // 4))
    info = await engine.load_model(
        model, name=name, context=2 * prompt + max(BRANCHES) * (tokens + 8)
    )
    rounds = _RoundRunner(engine, bare, prompt, tokens)
    await rounds.run_round(forwards=True)
    rounds.clear_results()
    meter = ProgressMeter(report, "rounds", effort.rounds)
    for number in range(effort.rounds):
        await rounds.run_round(forwards=number % 2 == 0)
        meter.report_units_done(number + 1)
    speed = rounds.speed
    return EngineBenchResult(
        model=info.name,
        device=info.device,
        prompt_tokens=round(median(rounds.read)),
        written_tokens=tokens,
        rounds=effort.rounds,
        decode_tokens_per_s=round(median(speed[_ALONE]), 1),
        decode_ratio_to_bare=_compute_median_ratio(speed[_ALONE], speed[_BARE]),
        confidence_ratio=_compute_median_ratio(speed[_CONFIDENT], speed[_ALONE]),
        grammar_ratio=_compute_median_ratio(speed[_CONSTRAINED], speed[_ALONE]),
        prefill_tokens_per_s=round(median(rounds.prefill), 1),
        prefill_ratio_to_bare=_compute_median_ratio(rounds.prefill, rounds.bare_prefill),
        time_to_first_token_s=round(median(rounds.first), 4),
        branches_tokens_per_s={str(m): round(median(speed[str(m)]), 1) for m in BRANCHES},
        branch_speedup={
            str(m): _compute_median_ratio(speed[str(m)], speed["1"]) for m in BRANCHES[1:]
        },
        memory_mb=round((await engine.get_stats()).memory / 1e6, 1),
    )


class _RoundRunner:
    """Runner of the benchmark's rounds; collects the speeds of each arm (variant)."""

    def __init__(
        self, engine: Engine, bare: BareLlamaLoopProcess, prompt: int, tokens: int
    ) -> None:
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
        """Run all arms once, in order or reversed, after a prefill, whose prompt they continue."""
        self._number += 1
        await self._open_turn_and_record_prefill()
        arms = [_BARE, *_ALONES, *map(str, BRANCHES)]
        for arm in arms if forwards else reversed(arms):
            speed = await (
                self._measure_bare_speed_and_record_prefill()
                if arm == _BARE
                else self._measure_arm_speed(arm)
            )
            self.speed.setdefault(arm, []).append(speed)

    async def _measure_bare_speed_and_record_prefill(self) -> float:
        """Measure the bare loop's tokens per second.

        The speed of its prefill is recorded in `bare_prefill`.
        """
        reading, writing = await self._bare.measure_prefill_and_decode_seconds(
            self._prompt, self._tokens
        )
        self.bare_prefill.append(self._prompt / reading)
        return self._tokens / writing

    async def _measure_arm_speed(self, arm: str) -> float:
        """Measure the arm's tokens per second from the request to the end of the last branch."""
        one, count = (_ALONES[arm], 1) if arm in _ALONES else (_SAMPLED, int(arm))
        specs = [replace(one, seed=n, max_tokens=self._tokens) for n in range(count)]
        began = time.perf_counter()
        await self._run_and_get_first_text_clock_or_zero(specs)
        return count * self._tokens / (time.perf_counter() - began)

    async def _open_turn_and_record_prefill(self) -> None:
        """Record speed of prefill and time to first token for a prompt without a cached prefix."""
        each = max(1, await self._engine.count_tokens(" number" * 50) // 50)
        text = f"{self._number}" + " number" * (self._prompt // each)
        before = (await self._engine.get_stats()).prompt
        began = time.perf_counter()
        await self._engine.open_turn([Message("user", text)])
        opened = time.perf_counter()
        read = (await self._engine.get_stats()).prompt - before
        growing = time.perf_counter()
        first = await self._run_and_get_first_text_clock_or_zero(
            [BranchSpec("", 0, 4, _GREEDY, endless=True)]
        )
        self.first.append(opened - began + first - growing)
        self.prefill.append(read / (opened - began))
        self.read.append(read)

    async def _run_and_get_first_text_clock_or_zero(self, specs: Sequence[BranchSpec]) -> float:
        """Run the branches to their end; return the clock's time at the first text, or 0."""
        first = 0.0
        async for event in self._engine.generate_branches(specs):
            if not first and isinstance(event, TokenChunk):
                first = time.perf_counter()
        return first


def _compute_median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the median of the ratios numerator / denominator, one for each round."""
    return round(median(a / b for a, b in zip(numerators, denominators, strict=True)), 3)

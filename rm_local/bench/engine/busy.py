"""Measures a model's decoding speed while other programs compute, compared with an idle machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rm_local.engine import BranchSpec, Engine, Message
from rm_local.progress import ProgressCallback, ProgressMeter

BRANCHES = (1, 8)
_WARM_UP = 24
"""Tokens written by each branch before the measurement, and minimum of each measurement."""
LOOP = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True: pass
"""
"""A program that computes until its standard input closes. It ends, too, if its parent dies."""


@dataclass(frozen=True, slots=True)
class BusyBenchResult:
    """Results of `bench_engine_under_load`: decoding speeds, medians over the rounds."""

    model: str
    device: str
    loops: int
    """Number of other programs computing without pause in the busy half of each round."""
    rounds: int
    quiet_tokens_per_s: dict[str, float]
    """Speed of all branches together on the idle machine, by the number of branches."""
    busy_tokens_per_s: dict[str, float]
    """Speed of all branches together next to the other programs, by the number of branches."""
    ratio: dict[str, float]
    """Median over the rounds of the ratio busy / quiet, by the number of branches."""


@contextmanager
def run_busy_loop_processes(count: int) -> Iterator[None]:
    """Run `count` programs that compute without pause during the body of the `with` statement."""
    command = [sys.executable, "-I", "-c", LOOP]
    loops: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            loops.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.communicate()


async def bench_engine_under_load(
    engine: Engine,
    model: Path,
    loops: int,
    *,
    rounds: int,
    seconds: float,
    report: ProgressCallback,
    name: str = "",
) -> BusyBenchResult:
    """Measure the decoding speed in rounds: on the idle machine, then with `loops` busy programs.

    `seconds`: about how long each quiet measurement takes. The model is loaded again for each
    round, so that the load in one round does not affect the next. The busy half begins with the
    programs: the engine's time to adapt is included. `name` is the model's name in the result; by
    default the one that its file states.

    Raises:
        EngineError, ModelError: The model cannot be loaded or run.
    """
    quiet: dict[str, list[float]] = {str(m): [] for m in BRANCHES}
    busy: dict[str, list[float]] = {str(m): [] for m in BRANCHES}
    meter = ProgressMeter(report, "rounds", rounds)
    for number in range(rounds):
        info = await engine.load_model(model, name=name)
        await engine.open_turn([Message("user", "Write about numbers.")])
        tokens: dict[int, int] = {}
        for branches in BRANCHES:
            speed = await _measure_decoding_speed(engine, branches, _WARM_UP) / branches
            tokens[branches] = max(_WARM_UP, min(round(speed * seconds), info.context // 16))
            quiet[str(branches)].append(
                await _measure_decoding_speed(engine, branches, tokens[branches])
            )
        with run_busy_loop_processes(loops):
            for branches in BRANCHES:
                busy[str(branches)].append(
                    await _measure_decoding_speed(engine, branches, tokens[branches])
                )
        meter.report_units_done(number + 1)
    return BusyBenchResult(
        model=info.name,
        device=info.device,
        loops=loops,
        rounds=rounds,
        quiet_tokens_per_s={m: round(median(speeds), 1) for m, speeds in quiet.items()},
        busy_tokens_per_s={m: round(median(speeds), 1) for m, speeds in busy.items()},
        ratio={
            m: round(median(b / q for b, q in zip(busy[m], quiet[m], strict=True)), 3)
            for m in quiet
        },
    )


async def _measure_decoding_speed(engine: Engine, branches: int, tokens: int) -> float:
    """Write `tokens` tokens in each of `branches` branches; return the total tokens per second."""
    specs = [BranchSpec("", seed, tokens, endless=True) for seed in range(branches)]
    began = time.perf_counter()
    async for _ in engine.generate_branches(specs):
        pass
    return branches * tokens / (time.perf_counter() - began)

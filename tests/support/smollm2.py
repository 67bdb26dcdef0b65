"""SmolLM2-135M-Instruct for the tests, turns on it, and what is looked for in their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from models.small.base import find_smollm2
from rm_local.engine import TokenChunk
from rm_local.errors import ModelNotFoundError
from rm_local.loop import (
    PLANS,
    Answered,
    BranchFinished,
    Event,
    Plan,
    TurnControl,
    TurnOverrides,
)
from rm_local.records import Answer, Branch
from rm_local.runtime import Runtime

FITTING = "How do I find the shortest path in a graph with positive weights?"
"""The seed store has a procedure for it."""
NUMBERED = "What is the kinetic energy of a 4 kg mass moving at 6 m/s?"
PLAN = replace(PLANS["memory"], samples=2, hints=2, max_tokens=24)
ALONE = replace(PLANS["direct"], max_tokens=24)
SEED = TurnOverrides(seed=1)


def require_smollm2() -> Path:
    """The model's GGUF. Skips the test when the package is not installed; the test extra has it."""
    try:
        return find_smollm2()
    except ModelNotFoundError as error:
        pytest.skip(f"{error.message} {error.remedy}")


async def ask(
    runtime: Runtime,
    question: str,
    plan: Plan = PLAN,
    overrides: TurnOverrides = SEED,
    control: TurnControl | None = None,
) -> list[Event]:
    """All events of a turn."""
    stream = runtime.solve(question, plan, overrides=overrides, control=control)
    return [event async for event in stream]


def answer_of(events: Sequence[Event]) -> Answer:
    """The answer that ends the turn."""
    assert isinstance(events[-1], Answered), events[-1]
    return events[-1].answer


def branches_of(events: Sequence[Event]) -> list[Branch]:
    """The branches by index."""
    done = [event.branch for event in events if isinstance(event, BranchFinished)]
    return sorted(done, key=lambda branch: branch.index)


def written(events: Sequence[Event], branch: int) -> str:
    """All that a branch wrote, as it came."""
    return "".join(e.text for e in events if isinstance(e, TokenChunk) and e.branch == branch)

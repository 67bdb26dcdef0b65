"""The gate on real parts: what the store has nothing for is answered as without memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import (
    BranchFinished,
    BranchStarted,
    Event,
    Formulated,
    GateDecided,
    Prefilled,
    Retrieved,
)
from rm_local.loop.plan import PLANS, Plan
from rm_local.records import Branch
from rm_local.runtime import Runtime
from rm_local.settings import Settings

MEMORY = replace(PLANS["memory"], max_tokens=48)
ALONE = replace(PLANS["direct"], max_tokens=48)
FITTING = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"
UNFIT = (
    "hello",
    "Thanks a lot, you have been a great help!",
    "Was ist die Hauptstadt von Frankreich?",
    'Translate into French: "Good night, sleep well."',
    "what can this program do?",
)


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    """A runtime on what is shipped."""
    opened = Runtime(Settings(threads=1, context=2048))
    yield opened
    await opened.close()


async def turn(runtime: Runtime, question: str, plan: Plan, seed: int = 7) -> list[Event]:
    """All events of a turn."""
    overrides = TurnOverrides(seed=seed)
    return [event async for event in runtime.solve(question, plan, overrides=overrides)]


def branches_of(events: list[Event]) -> list[Branch]:
    """What was written, without the time that it took."""
    ended = [event.branch for event in events if isinstance(event, BranchFinished)]
    return [replace(branch, seconds=0.0) for branch in ended]


async def test_what_nothing_fits_is_answered_token_for_token_as_without_memory(
    runtime: Runtime,
) -> None:
    """At the same seed; nothing is formulated, retrieved or put before the model."""
    for question in UNFIT:
        through = await turn(runtime, question, MEMORY)
        alone = await turn(runtime, question, ALONE)

        (gated,) = (event for event in through if isinstance(event, GateDecided))
        assert (gated.open, gated.reason) == (False, "nothing_fits"), question
        assert not [event for event in through if isinstance(event, Formulated | Retrieved)]
        assert branches_of(through) == branches_of(alone) != []


async def test_what_nothing_fits_evaluates_what_it_would_without_memory(runtime: Runtime) -> None:
    """Counted by the worker, in runtimes that have read nothing before."""
    (through,) = (e for e in await turn(runtime, UNFIT[0], MEMORY) if isinstance(e, Prefilled))
    await runtime.unload_model()
    (alone,) = (e for e in await turn(runtime, UNFIT[0], ALONE) if isinstance(e, Prefilled))

    counts = [
        (read.prompt, read.prompt_read, read.prompt_last, read.hints_read)
        for read in (through.reading, alone.reading)
    ]
    assert counts[0] == counts[1]


async def test_a_question_that_an_entry_fits_gets_it(runtime: Runtime) -> None:
    """The gate opens, and the entry is the first hit."""
    events = await turn(runtime, FITTING, MEMORY)
    (gated,) = (event for event in events if isinstance(event, GateDecided))
    (found,) = (event for event in events if isinstance(event, Retrieved))

    assert gated.open
    assert found.hits[0].entry.subproblem.startswith("How to compute the kinetic energy")
    assert [e for e in events if isinstance(e, BranchStarted) and e.hint == found.hits[0]]


async def test_memory_left_out_is_as_without_memory(runtime: Runtime) -> None:
    """Also for a question that the store has an entry for; the store is not opened."""
    through = await turn(runtime, FITTING, replace(MEMORY, question_gate="shut"))
    entries = runtime.entries
    alone = await turn(runtime, FITTING, ALONE)

    assert entries is None
    assert branches_of(through) == branches_of(alone) != []

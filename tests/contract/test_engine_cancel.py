"""A cancel stops a real worker, whatever it is at: seen in what it did not do any more.

How soon within a batch is in `test_engine_abort.py`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from rm_local.engine.branches import BranchEnded, BranchSpec
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message
from rm_local.errors import CancelledByUserError, EngineError
from tests.support.engines import GREEDY, QUESTION, first_text, grown
from tests.support.processes import computed, until_computed

LONG = 4000
"""Tokens that a branch writes if nothing stops it: minutes of work."""


def long_branches(count: int) -> list[BranchSpec]:
    """Branches that do not end by themselves."""
    return [BranchSpec("", n, LONG, endless=True) for n in range(count)]


async def test_a_cancel_stops_branches_that_decode(engine: Engine, large: Path) -> None:
    """One branch is stopped for its own reason, then all, and each says why it ended."""
    await engine.load_model(large)
    await engine.open_turn(QUESTION)
    growing = engine.generate_branches(long_branches(3))
    await first_text(growing)

    await engine.cancel([1], reason="outvoted")
    first = await anext(event async for event in growing if isinstance(event, BranchEnded))
    await engine.cancel()
    rest = [event async for event in growing if isinstance(event, BranchEnded)]

    assert (first.branch, first.stop) == (1, "outvoted")
    assert {event.branch: event.stop for event in rest} == {0: "cancelled", 2: "cancelled"}
    assert all(event.tokens < LONG / 4 for event in (first, *rest))
    assert (await engine.get_stats()).written == sum(event.tokens for event in (first, *rest))


async def test_a_cancel_stops_the_reading_of_a_question(engine: Engine, large: Path) -> None:
    """A prompt of many batches is let go of in one of the first; the next turn works."""
    await engine.load_model(large)
    begun, shares = asyncio.Event(), list[float]()

    def note(share: float) -> None:
        shares.append(share)
        begun.set()

    question = [Message("user", "long words " * 600)]
    reading = asyncio.create_task(engine.open_turn(question, on_progress=note))
    await begun.wait()
    await engine.cancel()
    with pytest.raises(CancelledByUserError):
        await reading

    assert shares[0] < 1 / 6, "it is read in more than six batches"
    assert shares[-1] < 1 / 2
    with pytest.raises(EngineError, match="No turn is open"):
        await grown(engine, [BranchSpec("", 0, 4)])
    await engine.open_turn(QUESTION)
    assert len((await grown(engine, [BranchSpec("the", 0, 4)]))[1]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_cancel_stops_the_reading_of_hints(engine: Engine, large: Path) -> None:
    """Long hints are let go of before anything is written, and the cache is sound."""
    await engine.load_model(large)
    await engine.open_turn(QUESTION)
    before, _ = await grown(engine, [BranchSpec("the", 0, 6, GREEDY)])
    specs = [BranchSpec(f"{n} " + "long words " * 150, n, 40) for n in range(4)]
    assert engine.worker_pid

    idle = computed(engine.worker_pid)
    reading = asyncio.create_task(grown(engine, specs))
    await until_computed(engine.worker_pid, idle)
    await engine.cancel()
    ends = (await reading)[1]

    assert {(end.stop, end.tokens) for end in ends} == {("cancelled", 0)}
    assert (await grown(engine, [BranchSpec("the", 0, 6, GREEDY)]))[0] == before


async def test_closing_the_iterator_cancels(engine: Engine, large: Path) -> None:
    """A consumer that goes away stops the work: the next request finds it hardly begun."""
    await engine.load_model(large)
    await engine.open_turn(QUESTION)
    growing = engine.generate_branches(long_branches(2))
    await first_text(growing)
    await growing.aclose()

    assert (await engine.get_stats()).written < LONG / 4

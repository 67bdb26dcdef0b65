"""Events on their way from a turn's steps to its reader."""

from __future__ import annotations

import asyncio

from rm_local.loop.events import Formulating
from rm_local.loop.plan import PLANS
from rm_local.loop.solver import solve
from rm_local.loop.turn_context import HIGH_WATER, EventQueue
from tests.support.fakes import FakeEngine, say
from tests.support.turns import QUESTION


async def test_events_arrive_in_order_and_end() -> None:
    """The reader gets what was emitted, then None."""
    events = EventQueue()
    for text in ("a", "b"):
        events.emit(Formulating(text))
    events.emit_end()

    assert [await events.read_event() for _ in range(3)] == [
        Formulating("a"),
        Formulating("b"),
        None,
    ]


async def test_a_step_waits_for_a_slow_reader() -> None:
    """Below the mark it does not wait; at the mark it waits until all is read."""
    events = EventQueue()
    for _ in range(HIGH_WATER - 1):
        events.emit(Formulating("a"))
        await events.wait_if_many_unread()
    events.emit(Formulating("a"))
    waiting = asyncio.ensure_future(events.wait_if_many_unread())

    for _ in range(HIGH_WATER):
        await asyncio.sleep(0)
        assert not waiting.done()
        await events.read_event()
    await waiting


async def test_a_turn_that_nobody_reads_does_not_run_on() -> None:
    """An engine with much to say has said no more than the mark when the reader has one event."""
    taken = 0

    class Counted(FakeEngine):
        async def generate_branches(self, specs):  # type: ignore[no-untyped-def]
            nonlocal taken
            async for event in super().generate_branches(specs):
                taken += 1
                yield event

    engine = Counted(branches=[[say("more ") for _ in range(20 * HIGH_WATER)]])
    turn = solve(QUESTION, PLANS["direct"], engine, None)
    await anext(turn)
    for _ in range(100 * HIGH_WATER):
        await asyncio.sleep(0)

    assert 0 < taken <= HIGH_WATER
    await turn.aclose()

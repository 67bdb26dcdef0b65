"""The prefill of a turn: its progress, how it ends early, and what was evaluated in it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rm_local.engine.branches import ContextUsage, EvaluatedTokenCounts, TokenChunk
from rm_local.engine.protocol import TurnOpened
from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import (
    Answered,
    Event,
    Prefilled,
    Prefilling,
    event_as_json,
    event_from_json,
)
from rm_local.loop.plan import PLANS
from rm_local.loop.solver import solve
from tests.support.fakes import FakeEngine
from tests.support.turns import MEMORY, events_of, of

OPENED = EvaluatedTokenCounts(prompt=12, seconds=0.25)
FORMULATION = EvaluatedTokenCounts(prompt=1, forced=30)
BRANCHES = EvaluatedTokenCounts(forced=90, seconds=0.5)


async def test_a_long_prompt_is_reported_while_it_is_read() -> None:
    """Before anything else, and its tokens after."""
    engine = FakeEngine(prompt_tokens=2000)
    await engine.load_model(Path("fake.gguf"))
    events = [event async for event in solve("A long question?", PLANS["direct"], engine, None)]
    assert isinstance(events[0], Prefilling)
    assert events[0].share == 0.5
    assert events[0].left >= 0
    used = next(event for event in events if isinstance(event, ContextUsage))
    assert used.used == 2000
    assert isinstance(events[-1], Answered)


async def test_a_short_one_is_not() -> None:
    """It is read in one go."""
    engine = FakeEngine()
    await engine.load_model(Path("fake.gguf"))
    events = [event async for event in solve("Short?", PLANS["direct"], engine, None)]
    assert not any(isinstance(event, Prefilling) for event in events)


def test_it_is_the_same_after_a_file() -> None:
    """As the other events are."""
    event = Prefilling(0.25, 3.5)
    assert event_from_json(event_as_json(event)) == event


async def test_leaving_while_it_is_read_ends_the_reading() -> None:
    """The engine's call is cancelled, and nothing runs on."""
    left = asyncio.Event()

    class Endless(FakeEngine):
        async def open_turn(self, *_: object, **options: object) -> TurnOpened:
            options["on_progress"](0.1)  # type: ignore[operator]
            try:
                await asyncio.Event().wait()
            finally:
                left.set()
            return TurnOpened(0, EvaluatedTokenCounts())

    events = solve("A long question?", PLANS["direct"], Endless(), None)
    assert isinstance(await anext(events), Prefilling)
    await events.aclose()
    assert left.is_set()


async def test_what_goes_wrong_in_reading_is_raised() -> None:
    """An error that is not rm-local's own, after the events before it."""

    class Broken(FakeEngine):
        async def open_turn(self, *_: object, **options: object) -> TurnOpened:
            options["on_progress"](0.1)  # type: ignore[operator]
            raise ValueError("gone")

    events = solve("A long question?", PLANS["direct"], Broken(), None)
    assert isinstance(await anext(events), Prefilling)
    with pytest.raises(ValueError, match="gone"):
        await anext(events)


def prefilled(events: list[Event]) -> Prefilled:
    """The one such event, which comes right before the first text."""
    (event,) = of(Prefilled, events)
    first = events.index(of(TokenChunk, events)[0])
    assert events[first - 1] is event
    assert isinstance(event, Prefilled)
    return event


async def test_what_was_evaluated_comes_before_the_first_text() -> None:
    """Once, with the prompt's tokens of opening and formulation together."""
    engine = FakeEngine(opened=OPENED, prefills=[FORMULATION, BRANCHES])
    read = prefilled(await events_of(engine)).reading

    assert (read.prompt, read.prompt_read, read.prompt_last, read.hints_read) == (20, 13, 0, 90)
    assert (read.prompt_seconds, read.hints_seconds) == (0.25, 0.5)
    assert read.first_token_seconds > 0


async def test_the_users_own_subproblem_costs_no_evaluation() -> None:
    """Nothing is generated for it; nor is it with a plan that formulates nothing."""
    for plan, overrides in ((MEMORY, TurnOverrides("How do I add?")), (PLANS["length-vote"], None)):
        engine = FakeEngine(opened=OPENED, prefills=[BRANCHES])
        read = prefilled(await events_of(engine, plan, steering=overrides)).reading
        assert (read.prompt_read, read.hints_read) == (12, 90)


async def test_branches_that_end_before_they_evaluate_report_nothing() -> None:
    """The turn continues without the figures."""
    assert not of(Prefilled, await events_of(FakeEngine()))

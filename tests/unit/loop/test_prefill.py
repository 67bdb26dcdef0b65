"""A long prompt being read: told as a share, ended by a stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rm_local.loop.control import Control
from rm_local.loop.events import Answered, ContextUsed, Prefilling, as_json, from_json
from rm_local.loop.plan import PLANS
from rm_local.loop.prefill import Opening
from rm_local.loop.solve import solve
from tests.support.fakes import FakeEngine


async def test_a_long_prompt_is_told_of_while_it_is_read() -> None:
    """Before anything else, and its tokens after."""
    engine = FakeEngine(prompt_tokens=2000)
    await engine.load(Path("fake.gguf"))
    events = [event async for event in solve("A long question?", PLANS["none"], engine, None)]
    assert isinstance(events[0], Prefilling)
    assert events[0].share == 0.5
    assert events[0].left >= 0
    used = next(event for event in events if isinstance(event, ContextUsed))
    assert used.used == 2000
    assert isinstance(events[-1], Answered)


async def test_a_short_one_is_not() -> None:
    """It is read in one go."""
    engine = FakeEngine()
    await engine.load(Path("fake.gguf"))
    events = [event async for event in solve("Short?", PLANS["none"], engine, None)]
    assert not any(isinstance(event, Prefilling) for event in events)


def test_it_is_the_same_after_a_file() -> None:
    """As the other events are."""
    event = Prefilling(0.25, 3.5)
    assert from_json(as_json(event)) == event


async def test_leaving_while_it_is_read_ends_the_reading() -> None:
    """The engine's call is cancelled, and nothing runs on."""
    left = asyncio.Event()

    class Endless(FakeEngine):
        async def open_turn(self, *_: object, **told: object) -> int:
            told["on_progress"](0.1)  # type: ignore[operator]
            try:
                await asyncio.Event().wait()
            finally:
                left.set()
            return 0

    events = Opening(Endless(), PLANS["none"], Control()).events(())
    assert isinstance(await anext(events), Prefilling)
    await events.aclose()
    assert left.is_set()


async def test_what_goes_wrong_in_reading_is_raised() -> None:
    """After what was told before."""

    class Broken(FakeEngine):
        async def open_turn(self, *_: object, **told: object) -> int:
            told["on_progress"](0.1)  # type: ignore[operator]
            raise ValueError("gone")

    events = Opening(Broken(), PLANS["none"], Control()).events(())
    assert isinstance(await anext(events), Prefilling)
    with pytest.raises(ValueError, match="gone"):
        await anext(events)

"""A cancel stops a real worker at once, whatever it is at."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from rm_local.engine.client import Engine
from rm_local.engine.protocol import BranchSpec, Ended, Message
from rm_local.errors import EngineError, Stopped
from tests.engines import GREEDY, QUESTION, grown

QUIET = 0.2
"""Seconds within which a cancel must have stopped all work."""
TRIES = 3
"""A busy machine may be late; the quickest try is what the engine can do."""


async def quiet_after_cancel(engine: Engine, waiting: asyncio.Task[object]) -> float:
    """Seconds from a cancel until the call under way has come back."""
    start = time.monotonic()
    await engine.cancel()
    await asyncio.wait({waiting})
    return time.monotonic() - start


async def test_cancel_while_decoding(engine: Engine, large: Path) -> None:
    """One branch is stopped for its own reason, then all: at once, and each says why it ended."""
    await engine.load(large)
    await engine.open_turn(QUESTION)
    seconds = []
    for _ in range(TRIES):
        growing = engine.grow([BranchSpec("", n, 4000) for n in range(3)])
        await anext(growing)
        start = time.monotonic()
        await engine.cancel([1], reason="outvoted")
        first = await anext(event async for event in growing if isinstance(event, Ended))
        await engine.cancel()
        rest = {event.branch: event.stop async for event in growing if isinstance(event, Ended)}
        seconds.append(time.monotonic() - start)
        assert (first.branch, first.stop) == (1, "outvoted")
        assert rest == {0: "cancelled", 2: "cancelled"}
    assert min(seconds) < 2 * QUIET


async def test_cancel_while_reading_the_question(engine: Engine, large: Path) -> None:
    """A prompt that takes seconds to read is let go of at once; the next turn works."""
    await engine.load(large)
    seconds = []
    for attempt in range(TRIES):
        question = [Message("user", f"{attempt} " + "long words " * 600)]
        reading = asyncio.create_task(engine.open_turn(question))
        await asyncio.wait({reading}, timeout=0.3)
        assert not reading.done()
        seconds.append(await quiet_after_cancel(engine, reading))
        with pytest.raises(Stopped):
            await reading

    assert min(seconds) < QUIET
    with pytest.raises(EngineError, match="No turn is open"):
        await grown(engine, [BranchSpec("", 0, 4)])
    await engine.open_turn(QUESTION)
    assert len((await grown(engine, [BranchSpec("the", 0, 4)]))[1]) == 1


async def test_cancel_while_reading_hints(engine: Engine, large: Path) -> None:
    """Long hints are let go of at once: each branch ends as cancelled, and the cache is sound."""
    await engine.load(large)
    await engine.open_turn(QUESTION)
    before, _ = await grown(engine, [BranchSpec("the", 0, 6, GREEDY)])
    seconds = []
    for _ in range(TRIES):
        specs = [BranchSpec(f"{n} " + "long words " * 150, n, 40) for n in range(4)]
        reading = asyncio.create_task(grown(engine, specs))
        await asyncio.wait({reading}, timeout=0.3)
        assert not reading.done()
        seconds.append(await quiet_after_cancel(engine, reading))
        assert {end.stop for end in (await reading)[1]} == {"cancelled"}

    assert min(seconds) < QUIET
    assert (await grown(engine, [BranchSpec("the", 0, 6, GREEDY)]))[0] == before


async def test_closing_the_iterator_cancels(engine: Engine, large: Path) -> None:
    """A consumer that goes away stops the work: the next request is served at once."""
    await engine.load(large)
    await engine.open_turn(QUESTION)
    growing = engine.grow([BranchSpec("", n, 4000) for n in range(2)])
    await anext(growing)
    await growing.aclose()

    await asyncio.wait_for(engine.stats(), timeout=1)

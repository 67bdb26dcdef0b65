"""A real model that nobody asks anything gives its memory back, and comes again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rm_local.loop.events import Answered, Event, Failed, ModelLoading, ModelUnloaded, Retrieved
from rm_local.loop.plan import PLANS
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from tests.support.processes import below, has_ended, resident

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
SOON = 1e-6
"""Minutes."""


def found(events: list[Event]) -> list[int]:
    """Ids of what was retrieved."""
    return [h.entry.id for e in events if isinstance(e, Retrieved) for h in e.hits]


def started_since(there: list[int]) -> list[int]:
    """Processes below this one that were not `there` before."""
    return [pid for pid in below(os.getpid()) if pid not in there]


async def test_all_memory_is_back_after_unloading(large: Path) -> None:
    """The weights are nowhere: worker and renderer have ended, this process holds no more."""
    mine, weights = resident(os.getpid()), large.stat().st_size
    there = below(os.getpid())
    runtime = Runtime(Settings(model=large))
    await runtime.load_model()
    started = started_since(there)
    loaded = sum(map(resident, started))

    await runtime.unload_model()

    assert len(started) == 2, "the worker and its renderer"
    assert loaded > weights
    assert all(map(has_ended, started))
    assert started_since(there) == []
    assert resident(os.getpid()) - mine < weights / 4
    await runtime.close()


async def test_an_idle_model_is_unloaded_and_the_next_question_loads_it(nano: Path) -> None:
    """With its embedder: the turn after it retrieves as the one before; progress is reported."""
    there = below(os.getpid())
    runtime = Runtime(Settings(model=nano, idle_unload_minutes=SOON))
    between_turns = runtime.watch_events_between_turns()
    before = [event async for event in runtime.solve("What is 3/4 + 5/6?", PLANS["memory"])]
    started = started_since(there)
    assert await anext(between_turns) == ModelUnloaded()
    assert all(map(has_ended, started))
    assert runtime.info is None

    await runtime.load_model()
    after = [event async for event in runtime.solve("What is 3/4 + 5/6?", PLANS["memory"])]

    assert not isinstance(before[-1], Failed)
    assert isinstance(after[-1], Answered)
    assert found(before) == found(after)
    await runtime.close()
    shares = [event.share async for event in between_turns if isinstance(event, ModelLoading)]
    assert shares[-1] == 1

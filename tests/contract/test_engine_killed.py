"""A real worker that is killed at its work, as a system short of memory does it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from rm_local.engine.client import Engine
from rm_local.engine.protocol import BranchSpec, Message
from rm_local.errors import WorkerDied
from tests.engines import QUESTION, grown
from tests.processes import computed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
AT_WORK = 0.1
"""Seconds of computing after which the worker is in the middle of it."""
LONG = [Message("user", "Is a sum of sums a sum? " * 300)]


async def killed_at(engine: Engine, work: Coroutine[Any, Any, Any]) -> WorkerDied:
    """The error that `work` ends with when the worker is killed in the middle of it."""
    assert engine.worker
    worker, before = engine.worker, computed(engine.worker)
    task = asyncio.ensure_future(work)
    while computed(worker) - before < AT_WORK and not task.done():
        await asyncio.sleep(0.005)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(WorkerDied) as caught:
        await task
    return caught.value


async def works(engine: Engine, model: Path) -> bool:
    """Whether a new worker loads this model and writes with it."""
    await engine.load(model)
    await engine.open_turn(QUESTION)
    return (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].tokens > 0


async def test_while_loading(engine: Engine, large: Path, tiny: Path) -> None:
    """The message names the file; no model is loaded; the same and another load after."""

    def kill(_share: float) -> None:
        if engine.worker:
            os.kill(engine.worker, signal.SIGKILL)

    with pytest.raises(WorkerDied, match="SIGKILL") as caught:
        await engine.load(large, on_progress=kill)

    assert str(large) in caught.value.message
    assert engine.info is None
    assert await works(engine, tiny)
    assert await works(engine, large)


async def test_while_reading_a_question(engine: Engine, large: Path, tiny: Path) -> None:
    """The turn is lost, the next one is answered, by another model too."""
    await engine.load(large)

    error = await killed_at(engine, engine.open_turn(LONG))

    assert "SIGKILL" in error.message
    assert "Ask again" in error.remedy
    assert await works(engine, large)
    assert await works(engine, tiny)


async def test_while_writing(engine: Engine, large: Path, tiny: Path) -> None:
    """All branches end with the one error."""
    await engine.load(large)
    await engine.open_turn(QUESTION)

    error = await killed_at(engine, grown(engine, [BranchSpec("", n, 4000) for n in range(8)]))

    assert "SIGKILL" in error.message
    assert await works(engine, tiny)


async def test_while_embedding(engine: Engine, weights: Path, tiny: Path) -> None:
    """The embedder comes again by itself with the next text; a model can be loaded beside it."""
    await engine.load_embedder(weights)
    texts = ["How do I add two fractions with different denominators? " * 8] * 2000

    error = await killed_at(engine, engine.embed(texts))

    assert "SIGKILL" in error.message
    assert (await engine.embed(["add fractions"])).shape == (1, 384)
    assert await works(engine, tiny)

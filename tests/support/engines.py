"""What the engine's tests ask of a real worker, and how they read its events."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from rm_local.engine.branches import (
    BranchEnded,
    BranchEvent,
    BranchSpec,
    ContextOverflowReport,
    ContextUsage,
    EvaluatedTokenCounts,
    SamplingParameters,
    TokenChunk,
)
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message
from rm_local.errors import WorkerCrashedError

QUESTION = [Message("user", "What is the sum of the even numbers in a range?")]
GREEDY = SamplingParameters(temperature=0)


async def grown(
    engine: Engine, specs: list[BranchSpec]
) -> tuple[list[dict[str, str]], list[BranchEnded]]:
    """Each branch's text by part, and how it ended."""
    texts: list[dict[str, str]] = [{"thinking": "", "answer": ""} for _ in specs]
    ends: dict[int, BranchEnded] = {}
    async for event in engine.generate_branches(specs):
        if isinstance(event, EvaluatedTokenCounts | ContextUsage | ContextOverflowReport):
            continue
        assert event.branch not in ends, "a branch says nothing after its end"
        if isinstance(event, BranchEnded):
            ends[event.branch] = event
        else:
            texts[event.branch][event.part] += event.text
    return texts, [ends[index] for index in range(len(specs))]


def kill(engine: Engine) -> None:
    """Kill the worker, if there is one yet, or still."""
    if engine.worker_pid:
        with suppress(ProcessLookupError):
            os.kill(engine.worker_pid, signal.SIGKILL)


async def killed_loading(engine: Engine, model: Path) -> WorkerCrashedError:
    """The error of a `load` whose worker is killed when it first says how far it is.

    A worker that has loaded the model before the signal arrives is ended, and loads it again.
    """
    while True:
        try:
            await engine.load_model(model, on_progress=lambda _: kill(engine))
        except WorkerCrashedError as error:
            return error
        await engine.close()


async def first_text(stream: AsyncGenerator[BranchEvent, None]) -> TokenChunk:
    """The stream's first text, which is taken from it."""
    async for event in stream:
        if isinstance(event, TokenChunk):
            return event
    raise AssertionError("no branch has written anything")

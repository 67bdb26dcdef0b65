"""A model that does not think is asked for the subproblem apart; its answer reads nothing of that.

rm-nano with a template that takes conversations, set not to think, on the real worker.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rm_local.engine.branches import ContextUsage
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message
from rm_local.loop.control import TurnControl
from rm_local.loop.events import (
    Answered,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    Prefilled,
    Retrieved,
)
from rm_local.loop.plan import PLANS, Plan
from rm_local.loop.solver import solve
from rm_local.options import EngineOptions
from tests.support import tiny_gguf
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    hit,
)

QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"
PLAN = replace(
    PLANS["memory"], thinking=False, samples=2, hints=2, max_tokens=16, max_score_gap=2.0
)
ALONE = replace(PLANS["direct"], thinking=False, max_tokens=16)
HITS = (hit(1, 0.9), hit(2, 0.8))
HISTORY = (Message("user", "Hello"), Message("assistant", "Hello to you, too."))


@pytest.fixture
async def engine(tmp_path: Path, nano: Path) -> AsyncIterator[Engine]:
    """An engine that has the model loaded."""
    (tmp_path / "rm-nano.jinja").write_text(tiny_gguf.TEMPLATE)
    options = EngineOptions(threads=1, context=2048, templates=str(tmp_path))
    async with Engine(options, log=tmp_path / "worker.log") as engine:
        info = await engine.load_model(nano)
        assert info.converses
        yield engine


async def turn(
    engine: Engine, plan: Plan = PLAN, question: str = QUESTION, control: TurnControl | None = None
) -> list[Event]:
    """All events of a turn that continues a conversation."""
    recall = FakeRecall(HITS)
    stream = solve(question, plan, engine, recall, control=control, history=HISTORY)
    return [event async for event in stream]


async def test_the_answer_s_prompt_is_as_if_nothing_had_been_asked_before(engine: Engine) -> None:
    """As many tokens as of the question alone; the chat apart is read, and counted, once."""
    (alone,) = (e.reading for e in await turn(engine, ALONE) if isinstance(e, Prefilled))
    events = await turn(engine)
    (with_memory,) = (e.reading for e in events if isinstance(e, Prefilled))

    assert with_memory.prompt == alone.prompt
    assert with_memory.prompt_read <= alone.prompt
    assert (alone.apart_read, with_memory.apart_read > alone.prompt) == (0, True)
    first = next(event for event in events if isinstance(event, ContextUsage))
    assert first.used == alone.prompt


async def test_subproblem_and_hits_are_there_before_the_prompt_is_opened(engine: Engine) -> None:
    """So that hints could stand in it."""
    events = await turn(engine)
    kinds = [type(event) for event in events]

    order = [Formulating, Formulated, Retrieved, ContextUsage, BranchStarted]
    places = [kinds.index(kind) for kind in order]
    assert places == sorted(places)
    (named,) = (event for event in events if isinstance(event, Formulated))
    assert named.subproblem
    assert not {"4", "6"} & set(named.subproblem.split())


async def test_a_question_too_long_for_the_examples_stands_in(engine: Engine) -> None:
    """The turn continues, or says that the question itself is too long."""
    events = await turn(engine, question="Why is that so? " * 90)

    (named,) = (event for event in events if isinstance(event, Formulated))
    assert named.subproblem
    assert isinstance(events[-1], Answered | Failed)


async def test_a_stop_while_the_subproblem_is_named_ends_the_turn(engine: Engine) -> None:
    """And the next turn is answered."""
    control = TurnControl()
    stream = solve(QUESTION, PLAN, engine, FakeRecall(HITS), control=control)
    events: list[Event] = []
    async for event in stream:
        events.append(event)
        if isinstance(event, Formulating):
            control.stop()

    assert isinstance(events[-1], Failed)
    assert events[-1].exit_code == 130
    assert [event for event in await turn(engine) if isinstance(event, BranchStarted)]

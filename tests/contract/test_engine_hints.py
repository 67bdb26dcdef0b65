"""Hints that are too long, on the real worker: cut by its own tokens, the turn continues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rm_local.engine.branches import ContextOverflowReport
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message
from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import Answered, BranchFinished, Event, Failed, HintCutOrLeftOut
from rm_local.loop.plan import PLANS, Plan
from rm_local.loop.solver import solve
from rm_local.options import EngineOptions, Overflow
from rm_local.records import Hit
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    hit,
)

QUESTION = "What is 3 + 4?"
PLAN = replace(
    PLANS["memory"],
    samples=4,
    hints=2,
    keep_shortest=0,
    min_similarity=0.0,
    max_score_gap=2.0,
    max_tokens=200,
)
SENTENCES = "I should add the two numbers that are given. Then I check the sum! " * 200
RUNNING_ON = "and then I add one number to the other one " * 400
CHINESE = "我应该把给出的两个数相加。然后检查结果。" * 200


def long(text: str, id: int = 1) -> Hit:
    """The best hit, with this subroutine."""
    found = hit(id, 0.95, "How to add two numbers?")
    return replace(found, entry=replace(found.entry, subroutine=text))


SHORT = replace(hit(2, 0.9, "How to add two numbers together?"))


async def turn(
    engine: Engine,
    hits: Sequence[Hit],
    plan: Plan = PLAN,
    *,
    overrides: TurnOverrides = TurnOverrides(seed=1),  # noqa: B008 (frozen)
    history: Sequence[Message] = (),
    question: str = QUESTION,
) -> list[Event]:
    """All events."""
    events = solve(question, plan, engine, FakeRecall(hits), overrides=overrides, history=history)
    return [event async for event in events]


def of_hints(events: list[Event]) -> dict[int, HintCutOrLeftOut]:
    """By entry."""
    return {event.id: event for event in events if isinstance(event, HintCutOrLeftOut)}


def hints(events: list[Event]) -> set[int]:
    """Entries under which branches have written something."""
    ended = [event.branch for event in events if isinstance(event, BranchFinished)]
    assert all(branch.tokens for branch in ended if branch.stop != "outvoted")
    return {branch.hint.entry.id for branch in ended if branch.hint}


@pytest.mark.parametrize("context", [320, 2048])
@pytest.mark.parametrize(
    ("text", "kept"), [(SENTENCES, True), (CHINESE, True), (RUNNING_ON, False), ("\0\x1b", False)]
)
async def test_a_hint_longer_than_the_context_is_cut_or_left_out(
    engine: Engine, nano: Path, text: str, kept: bool, context: int
) -> None:
    """It is cut or left out, what is read fits, and the other hint's branches answer."""
    info = await engine.load_model(nano, context=context)
    events = await turn(engine, [long(text), SHORT])
    assert isinstance(events[-1], Answered), events[-1]
    assert hints(events) == ({1, 2} if kept else {2})
    cut = of_hints(events)[1]
    assert bool(cut.kept) is kept
    assert cut.kept < info.context
    assert 2 not in of_hints(events)


async def test_a_single_hint_that_is_too_long_is_cut_or_left_out(
    engine: Engine, nano: Path
) -> None:
    """Pinned, and drawn at random, it is cut; of no use, the model reasons without it."""
    await engine.load_model(nano, context=2048)
    pinned = TurnOverrides(seed=1, pinned=(long(SENTENCES),))
    for events in (
        await turn(engine, [], overrides=pinned),
        await turn(engine, [long(SENTENCES)], replace(PLAN, retrieval="random")),
    ):
        assert isinstance(events[-1], Answered)
        assert hints(events) == {1}
    events = await turn(engine, [long(RUNNING_ON)])
    assert isinstance(events[-1], Answered)
    assert hints(events) == set()


@pytest.mark.parametrize("overflow", ["drop_oldest", "grow"])
async def test_room_is_made_where_the_user_lets_it(
    tmp_path: Path, nano: Path, overflow: Overflow
) -> None:
    """A hint that fits then is read whole; one that never fits is cut."""
    middling = long("I should add the two numbers that are given. " * 80)
    options = EngineOptions(threads=1, context_overflow=overflow)
    async with Engine(options, log=tmp_path / "w.log") as engine:
        await engine.load_model(nano, context=640)
        events = await turn(engine, [middling, SHORT])
        whole = overflow == "grow"
        assert (1 not in of_hints(events)) is whole
        assert any(isinstance(event, ContextOverflowReport) for event in events) is whole
        events = await turn(engine, [long(SENTENCES), SHORT])
        assert hints(events) == {1, 2}
        assert of_hints(events)[1].kept


async def test_only_a_question_that_is_too_long_fails(engine: Engine, nano: Path) -> None:
    """And what it says helps: a larger context where the model has one, else another model."""
    question = "Add one and two. " * 200
    for context, count in ((320, 1), (2048, 4)):
        info = await engine.load_model(nano, context=context)
        events = await turn(engine, [SHORT], question=question * count)
        assert isinstance(events[-1], Failed)
        assert events[-1].remedy.startswith("Ask a shorter question")
        assert ("set a larger" in events[-1].remedy) is (info.trained_context > info.context)

"""A turn that ends early: stopped by the user, or failed."""

from __future__ import annotations

import asyncio

import pytest

from rm_local.engine.branches import TokenChunk
from rm_local.errors import ContextOverflowError, CorruptStoreError
from rm_local.loop.control import TurnControl
from rm_local.loop.events import (
    BranchFinished,
    BranchStarted,
    Event,
    Formulated,
    Formulating,
    Retrieved,
)
from rm_local.loop.plan import PLANS
from rm_local.loop.solver import solve
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    FakeEngine,
    Step,
    died,
    say,
    think,
)
from tests.support.turns import (
    INFO_PATH,
    MEMORY,
    QUESTION,
    answer_of,
    branches_of,
    events_of,
    failure_of,
    of,
)


async def test_branches_that_never_leave_their_thinking_fail_the_turn() -> None:
    """Nobody is shown an empty answer."""
    failure = failure_of(await events_of(FakeEngine(branches=[[think("Hm.")]])))

    assert failure.exit_code == 1
    assert "No branch reached an answer" in failure.message


@pytest.mark.parametrize("question", ["", " \n\t"])
async def test_an_empty_question_is_a_matter_of_usage(question: str) -> None:
    """Nothing is asked of the engine."""
    engine = FakeEngine()
    events = await events_of(engine, question=question)

    assert failure_of(events).exit_code == 2
    assert len(events) == 1
    assert not engine.turns


@pytest.mark.parametrize(
    ("engine", "recall", "code"),
    [
        (FakeEngine(refuse=ContextOverflowError("Too long.", "Shorten it.")), FakeRecall(), 3),
        (FakeEngine(formulation=[think("How"), died()]), FakeRecall(), 3),
        (FakeEngine(branches=[[think("Let"), died()]]), FakeRecall(), 3),
        (FakeEngine(), FakeRecall(error=CorruptStoreError("Damaged.", "Mend it.")), 4),
    ],
    ids=["too long", "dies formulating", "dies reasoning", "bad store"],
)
async def test_an_error_ends_the_turn_not_the_app(
    engine: FakeEngine, recall: FakeRecall, code: int
) -> None:
    """It becomes the last event, with what to do and its exit code."""
    failure = failure_of(await events_of(engine, recall=recall))

    assert failure.exit_code == code
    assert failure.remedy


async def test_a_plan_that_retrieves_needs_a_store() -> None:
    """Without one the turn says so."""
    engine = FakeEngine()
    events = [event async for event in solve(QUESTION, MEMORY, engine, None)]

    assert failure_of(events).exit_code == 2


async def stopped_at(
    kind: type, engine: FakeEngine, recall: FakeRecall | None = None, nth: int = 1
) -> list[Event]:
    """The events of a turn that is stopped at the nth event of this kind."""
    control = TurnControl()
    events: list[Event] = []
    await engine.load_model(INFO_PATH)
    turn = solve(QUESTION, MEMORY, engine, recall or FakeRecall(), control=control)
    async for event in turn:
        events.append(event)
        if len(of(kind, events)) == nth:
            control.stop()
    return events


async def test_a_stop_keeps_what_the_branches_have_come_to() -> None:
    """A finished branch's answer stands; the others end as cancelled, with their partial text."""
    never = asyncio.Event()
    scripts: list[list[Step]] = [[say("Answer: 8")]]
    scripts += [[think("I begin"), never] for _ in range(5)]
    events = await stopped_at(BranchFinished, FakeEngine(branches=scripts))

    assert answer_of(events).result == "8"
    assert answer_of(events).branches == 6
    assert [b.stop for b in branches_of(events)] == ["end"] + ["cancelled"] * 5
    assert branches_of(events)[3].thinking == "I begin"


async def test_a_partial_answer_does_not_count() -> None:
    """`Answer: 1` may have been about to become 12."""
    never = asyncio.Event()
    events = await stopped_at(TokenChunk, FakeEngine(branches=[[say("Answer: 1"), never]]), nth=6)

    assert failure_of(events).exit_code == 130
    assert {b.text for b in branches_of(events)} == {"Answer: 1"}
    assert {b.result for b in branches_of(events)} == {None}


@pytest.mark.parametrize("kind", [Formulating, Formulated, Retrieved, BranchStarted])
async def test_a_stop_before_any_answer_fails_with_130(kind: type) -> None:
    """Whatever the phase, and also when the engine waits."""
    never = asyncio.Event()
    engine = FakeEngine(branches=[[never]])
    events = await stopped_at(kind, engine)

    assert failure_of(events).exit_code == 130


async def test_a_stop_does_not_wait_for_the_store() -> None:
    """A search that takes long is abandoned."""
    recall = FakeRecall(gate=asyncio.Event())
    events = await stopped_at(Formulated, FakeEngine(), recall)

    assert failure_of(events).exit_code == 130


async def test_a_face_that_leaves_ends_the_branches() -> None:
    """Closing the stream closes the engine's too: nothing continues in the background."""
    closed = asyncio.Event()

    class Watched(FakeEngine):
        async def generate_branches(self, specs):  # type: ignore[no-untyped-def]
            try:
                async for event in super().generate_branches(specs):
                    yield event
            finally:
                closed.set()

    engine = Watched(branches=[[think("I begin"), asyncio.Event()]])
    turn = solve(QUESTION, PLANS["direct"], engine, None)
    async for event in turn:
        if isinstance(event, TokenChunk):
            break
    await turn.aclose()

    assert closed.is_set()


async def test_the_engine_takes_the_next_turn_after_a_failure() -> None:
    """A turn that failed leaves no trace."""
    engine = FakeEngine(branches=[[think("Let"), died()]])
    assert failure_of(await events_of(engine)).exit_code == 3
    engine.branches = [[say("Answer: 8")]]

    assert answer_of(await events_of(engine)).result == "8"

"""A whole turn on real parts: the worker, the shipped model, the embedder and the seed store."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest

from rm_local import sessions
from rm_local.engine.branches import ContextUsage, TokenChunk
from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Retrieved,
)
from rm_local.loop.plan import PLANS, Plan
from rm_local.runtime import Runtime
from rm_local.settings import Settings

QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"
PLAN = replace(PLANS["memory"], min_similarity=0.0, max_score_gap=2.0, max_tokens=256)


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    """A runtime on what is shipped."""
    opened = Runtime(Settings(threads=1, context=2048))
    yield opened
    await opened.close()


async def turn(
    runtime: Runtime,
    plan: Plan = PLAN,
    steering: TurnOverrides | None = None,
    control: TurnControl | None = None,
    question: str = QUESTION,
) -> list[Event]:
    """All events of a turn."""
    steering = steering or TurnOverrides(seed=1)
    stream = runtime.solve(question, plan, overrides=steering, control=control)
    return [event async for event in stream]


def branches_of(events: list[Event]) -> dict[int, BranchFinished]:
    """What each branch came to."""
    return {e.branch.index: e for e in events if isinstance(e, BranchFinished)}


async def test_a_question_goes_all_the_way(runtime: Runtime) -> None:
    """A subproblem is named, hits are found for it, every branch ends, one answer comes of it."""
    events = await turn(runtime)
    named = [event for event in events if isinstance(event, Formulated)]
    (found,) = (event for event in events if isinstance(event, Retrieved))
    started = [event for event in events if isinstance(event, BranchStarted)]

    assert len(named) == 1
    assert named[0].subproblem
    assert 1 <= len(found.hits) <= PLAN.hints
    assert {event.hint for event in started} == set(found.hits)
    assert branches_of(events).keys() == {event.branch for event in started}
    assert isinstance(events[-1], Answered | Failed)
    if isinstance(events[-1], Failed):
        assert events[-1].exit_code == 1


async def test_pieces_add_up_to_the_branches(runtime: Runtime) -> None:
    """What streams is what the branch holds in the end, and its tokens only grow."""
    events = await turn(runtime)
    for index, finished in branches_of(events).items():
        own = [e for e in events if isinstance(e, TokenChunk) and e.branch == index]
        text = "".join(e.text for e in own if e.part == "answer")
        thinking = "".join(e.text for e in own if e.part == "thinking")

        assert text.strip() == finished.branch.text
        assert thinking.strip() == finished.branch.thinking
        assert all(one.tokens <= other.tokens for one, other in pairwise(own))


async def test_a_turn_is_saved_as_it_was(runtime: Runtime) -> None:
    """The session's file gives back the branches and the answer."""
    session = sessions.Session(runtime)
    events = [event async for event in session.ask(QUESTION, PLAN, overrides=TurnOverrides(seed=1))]
    session.close()
    assert session.path is not None
    (saved,) = sessions.read_session_turns(session.path)

    assert {b.index: b.to_record() for b in saved.branches} == {
        index: finished.branch for index, finished in branches_of(events).items()
    }
    if isinstance(events[-1], Answered):
        assert saved.answer == events[-1].answer


async def test_two_sessions_share_one_engine(runtime: Runtime) -> None:
    """Asked at the same time, they are solved one after the other, each with its own answer."""
    short = replace(PLANS["direct"], max_tokens=64)
    order: list[int] = []

    async def ask(number: int) -> list[Event]:
        session = sessions.Session(runtime)
        events = []
        async for event in session.ask(QUESTION, short):
            order.append(number)
            events.append(event)
        session.close()
        return events

    first, second = await asyncio.gather(ask(1), ask(2))

    assert order == sorted(order)
    assert branches_of(first).keys() == branches_of(second).keys() == {0}
    assert [saved.turns for saved in sessions.list_sessions()] == [1, 1]


async def test_a_turn_that_waits_can_be_stopped(runtime: Runtime) -> None:
    """It ends at once with exit code 130, while the engine writes for another."""
    waiting = TurnControl()
    stopped: list[Event] = []
    async for event in runtime.solve(QUESTION, PLAN):
        if isinstance(event, TokenChunk) and not stopped:
            other = asyncio.ensure_future(turn(runtime, control=waiting))
            await asyncio.sleep(0)
            waiting.stop()
            stopped = await other
    (end,) = stopped

    assert isinstance(end, Failed)
    assert end.exit_code == 130
    assert isinstance(event, Answered | Failed)


async def test_a_search_loads_no_model(runtime: Runtime) -> None:
    """Only the worker with the embedder, and the store."""
    hits = await runtime.search("how do I add fractions with different denominators", 5)

    assert len(hits) == 5
    assert "fraction" in hits[0].entry.subproblem.lower()
    assert runtime.info is None
    assert runtime.entries


async def test_a_stop_in_the_middle_keeps_the_texts(runtime: Runtime) -> None:
    """Every branch ends, the running ones as cancelled, and the next question is answered."""
    control = TurnControl()
    events: list[Event] = []
    async for event in runtime.solve(QUESTION, PLAN, control=control):
        events.append(event)
        if isinstance(event, TokenChunk):
            control.stop()
    started = {e.branch for e in events if isinstance(e, BranchStarted)}

    assert branches_of(events).keys() == started
    assert "cancelled" in {e.branch.stop for e in branches_of(events).values()}
    assert isinstance(events[-1], Answered | Failed)
    assert branches_of(await turn(runtime))


async def test_the_users_own_subproblem_and_hits_are_used(runtime: Runtime) -> None:
    """Retrieved again for what the user wrote, with one hit pinned and one dropped."""
    first, second, third = await runtime.search("how to add fractions", 3)
    steering = TurnOverrides("how to add fractions", (third,), frozenset({first.key}))
    events = await turn(runtime, steering=steering)
    (found,) = (event for event in events if isinstance(event, Retrieved))

    named = [event for event in events if isinstance(event, Formulated)]
    assert named == [Formulated("how to add fractions", 0.0, "user")]
    assert [hit.entry.id for hit in found.hits[:2]] == [third.entry.id, second.entry.id]
    assert first not in found.hits


@pytest.mark.parametrize("plan", ["direct", "cue-only", "random-hints"])
async def test_baselines_run_on_the_same_loop(runtime: Runtime, plan: str) -> None:
    """Each comes to its own number of draws; a branch that is nearly certain stands for several."""
    chosen = replace(PLANS[plan], samples=min(2, PLANS[plan].samples), max_tokens=64)
    events = await turn(runtime, chosen)

    assert sum(each.branch.draws for each in branches_of(events).values()) == chosen.samples


async def test_a_question_longer_than_the_context_is_refused(runtime: Runtime) -> None:
    """It is refused with what to do, and the next one is answered."""
    events = await turn(runtime, question="why " * 5000)
    event = events[-1]

    assert not branches_of(events)
    assert isinstance(event, Failed)
    assert event.exit_code == 3
    assert event.remedy
    assert branches_of(await turn(runtime))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
async def test_a_killed_worker_is_a_message_and_no_more(runtime: Runtime) -> None:
    """The turn fails with exit code 3; the next one starts a new worker."""
    events: list[Event] = []
    victim: int | None = None
    async for event in runtime.solve(QUESTION, PLAN):
        events.append(event)
        if isinstance(event, TokenChunk) and victim is None:
            victim = runtime.engine.worker_pid
            assert victim
            os.kill(victim, signal.SIGKILL)

    assert isinstance(events[-1], Failed)
    assert events[-1].exit_code == 3
    assert branches_of(await turn(runtime))


async def test_further_waves_read_no_prompt(runtime: Runtime) -> None:
    """However many waves a turn has, its question is evaluated once."""
    await runtime.load_model()
    plan = replace(PLAN, hints=1, samples=8, vote="waves")
    # At such a temperature no text is certain, so that there is a second wave.
    events = await turn(runtime, plan, TurnOverrides(seed=1, temperature=1.2))
    stats = await runtime.engine.get_stats()
    asked = next(event.used for event in events if isinstance(event, ContextUsage))
    waves = len(branches_of(events))

    assert isinstance(events[-1], Answered)
    assert waves > 1
    assert stats.prompt <= asked + 1
    assert events[-1].answer.saved_branches == 8 - waves

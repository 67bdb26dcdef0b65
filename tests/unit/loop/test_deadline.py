"""A turn whose time is limited. The shortest times: whatever the machine, they are over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from rm_local.engine import ContextOverflowReport, TurnOpened
from rm_local.errors import CancelledByUserError
from rm_local.loop.deadline import Deadline
from rm_local.loop.plan import PLANS
from tests.support.fakes import FakeEngine, Step, say, think
from tests.support.turns import MEMORY, answer_of, branches_of, events_of, failure_of

AT_ONCE = 1e-9
ONE = replace(PLANS["direct"], max_seconds=AT_ONCE)


class Patient(FakeEngine):
    """Cancels only once its branches have written all that they write before they wait."""

    async def cancel(self, branches=None, reason="cancelled"):  # type: ignore[no-untyped-def]
        for _ in range(200):
            await asyncio.sleep(0)
        await super().cancel(branches, reason)


async def test_without_a_limit_nothing_is_ever_over() -> None:
    """No task waits for an end that does not come."""
    deadline, called = Deadline(), []

    async def act() -> None:
        called.append(1)

    before = len(asyncio.all_tasks())
    async with deadline.on_passed(act):
        assert len(asyncio.all_tasks()) == before
    assert (deadline.has_passed, called) == (False, [])


async def test_a_turn_answers_with_what_there_is_when_its_time_is_over() -> None:
    """The finished branch's result stands; the others end for the time."""
    never = asyncio.Event()
    scripts: list[list[Step]] = [[say("Answer: 8")]]
    scripts += [[think("I begin"), never] for _ in range(5)]
    plan = replace(MEMORY, max_seconds=AT_ONCE)
    # Nothing is named or found in no time; the hints are the user's matter in other tests.
    events = await events_of(Patient(branches=scripts), replace(plan, retrieval="none"))

    assert answer_of(events).result == "8"
    assert [b.stop for b in branches_of(events)] == ["end"] + ["time"] * 5


async def test_no_wave_begins_after_the_time_is_over() -> None:
    """What is left of the plan was not saved by any vote."""
    scripts: list[list[Step]] = [[say("Answer: 8"), asyncio.Event()]]
    plan = replace(PLANS["memory"], max_seconds=AT_ONCE, retrieval="none")
    events = await events_of(Patient(branches=scripts), plan)

    assert [b.stop for b in branches_of(events)] == ["time"]


async def test_half_an_answer_in_prose_is_shown() -> None:
    """The text of a branch that was ended by the time is what there is."""
    steps: list[Step] = [say("Light bends because"), asyncio.Event()]
    answer = answer_of(await events_of(Patient(branches=[steps]), ONE))

    assert (answer.text, answer.result) == ("Light bends because", None)


async def test_half_a_number_is_no_result() -> None:
    """`Answer: 1` may have been about to become 12: it has no vote."""
    steps: list[Step] = [say("Answer: 1"), asyncio.Event()]
    events = await events_of(Patient(branches=[steps]), ONE)

    assert [b.result for b in branches_of(events)] == [None]


async def test_a_turn_that_has_nothing_to_show_says_that_its_time_is_over() -> None:
    """A failure, not a stop by the user."""
    failure = failure_of(await events_of(FakeEngine(branches=[[asyncio.Event()]]), ONE))

    assert failure.exit_code == 1
    assert "seconds" in failure.message
    assert "--max-seconds" in failure.remedy


async def test_the_time_ends_the_reading_of_a_long_prompt() -> None:
    """The engine is stopped while it reads, and the turn says why."""
    reasons: list[str] = []

    class Reading(FakeEngine):
        stopped = asyncio.Event()

        async def open_turn(
            self,
            messages: object,
            *,
            thinking: bool = True,
            effort: str = "",
            on_overflow: Callable[[ContextOverflowReport], None] | None = None,
            on_progress: Callable[[float], None] | None = None,
        ) -> TurnOpened:
            await self.stopped.wait()
            raise CancelledByUserError("Reading the question was stopped.")

        async def cancel(self, branches=None, reason="cancelled"):  # type: ignore[no-untyped-def]
            reasons.append(reason)
            self.stopped.set()

    failure = failure_of(await events_of(Reading(), ONE))

    assert (failure.exit_code, reasons) == (1, ["time"])


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
async def test_a_turn_that_is_quicker_ends_as_without_a_limit(seconds: float) -> None:
    """The limit changes nothing."""
    events = await events_of(FakeEngine(), replace(MEMORY, max_seconds=seconds))

    assert {b.stop for b in branches_of(events)} <= {"end", "outvoted"}

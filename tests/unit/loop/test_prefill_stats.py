"""What a turn says that it has read, over an engine that tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from rm_local.engine.protocol import BranchSpec, Message, Read
from rm_local.loop.branch_stream import Grew
from rm_local.loop.events import Prefilled, Token
from rm_local.loop.plan import PLANS
from rm_local.loop.solve import Steering
from tests.support.fakes import FakeEngine
from tests.support.turns import MEMORY, events_of, of


class Telling(FakeEngine):
    """Has read 12 of the prompt's 20 tokens when the turn is open, then one, then 90 of hints."""

    async def open_turn(self, messages: Sequence[Message], **how: Any) -> int:
        """The prompt's tokens."""
        self.read = Read(prompt=12, seconds=0.25)
        return await super().open_turn(messages, **how)

    async def grow(self, specs: Sequence[BranchSpec]) -> AsyncIterator[Grew]:
        """The script."""
        formulates = len(specs) == 1
        self.read = Read(prompt=1, forced=30) if formulates else Read(forced=90, seconds=0.5)
        async for event in super().grow(specs):
            yield event


async def test_what_was_read_comes_before_the_first_text() -> None:
    """Once, with the prompt's tokens of opening and formulation together."""
    events = await events_of(Telling())
    (read,) = (event.reading for event in events if isinstance(event, Prefilled))
    first = events.index(of(Token, events)[0])

    assert isinstance(events[first - 1], Prefilled)
    assert (read.prompt, read.prompt_read, read.prompt_last, read.hints_read) == (20, 13, 0, 90)
    assert (read.prompt_seconds, read.hints_seconds) == (0.25, 0.5)
    assert read.first_token_seconds > 0


async def test_the_users_own_subproblem_costs_no_reading() -> None:
    """Nothing is grown for it; so is it with a plan that formulates nothing."""
    for plan, steering in ((MEMORY, Steering("How do I add?")), (PLANS["length"], None)):
        events = await events_of(Telling(), plan, steering=steering)
        (read,) = (event.reading for event in events if isinstance(event, Prefilled))
        assert (read.prompt_read, read.hints_read) == (12, 90)


async def test_an_engine_that_tells_nothing_is_no_fault() -> None:
    """The turn goes on without the figures."""
    assert not of(Prefilled, await events_of(FakeEngine()))

"""How a user takes part in a turn: what is fixed beforehand, and the stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from rm_local.errors import Stopped
from rm_local.loop.events import Author
from rm_local.records import Hit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TurnOverrides:
    """What is fixed for a turn before it begins."""

    subproblem: str | None = None
    """Taken in place of the model's own; nothing is formulated then."""
    pinned: tuple[Hit, ...] = ()
    """Hits that come first, whatever is found."""
    dropped: frozenset[int] = frozenset()
    """Ids of entries that are left out."""
    seed: int = 0
    """The same seed draws the same tokens."""
    temperature: float | None = None
    """Of the branches; None = what the model's file and the plan say."""
    grammar: str = ""
    """GBNF that the answer of every branch follows; empty = none."""
    author: Author = "user"
    """Whose `subproblem` is: one of the user's own is searched for alone and opens the gate; any
    other, of a turn that is run again, is treated as in that turn."""

    @property
    def users_subproblem(self) -> bool:
        """Whether the user has named the subproblem."""
        return bool(self.subproblem) and self.author == "user"


class TurnControl:
    """A face's hold on a running turn. For the event loop's thread only."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def stop(self) -> None:
        """End the turn and keep what there is."""
        self._event.set()

    @property
    def stopped(self) -> bool:
        """Whether the turn was stopped."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Stopped once the turn was stopped."""
        if self.stopped:
            raise Stopped("Stopped before there was an answer.")

    async def race(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns; raises Stopped, and cancels `work`, when the stop comes first."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self.check()
            return task.result()
        finally:
            task.cancel()
            stop.cancel()

    @asynccontextmanager
    async def on_stop(self, act: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        """While the body runs, the stop calls `act`, once."""

        async def watch() -> None:
            await self._event.wait()
            await act()

        task = asyncio.ensure_future(watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

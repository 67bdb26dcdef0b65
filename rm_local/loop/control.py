"""The user's control over a turn: what is fixed before it begins, and the stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from rm_local.errors import CancelledByUserError
from rm_local.loop.events import Author
from rm_local.records import Hit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TurnOverrides:
    """Choices of the user that are fixed before a turn begins."""

    subproblem: str | None = None
    """Used instead of the model's own; nothing is formulated then."""
    pinned: tuple[Hit, ...] = ()
    """Hits that are placed before those found."""
    dropped: frozenset[int] = frozenset()
    """Ids of entries that are left out."""
    seed: int = 0
    """The same seed draws the same tokens."""
    temperature: float | None = None
    """Temperature of the branches; None = that of the model's file or of the plan."""
    grammar: str = ""
    """GBNF grammar that the answer of every branch follows; empty = unconstrained."""
    author: Author = "user"
    """Who named `subproblem`. One that the user named is searched for alone and opens the gate; one
    of a turn that is run again is treated as in that turn."""

    @property
    def users_subproblem(self) -> bool:
        """Whether the user has named the subproblem."""
        return bool(self.subproblem) and self.author == "user"


class TurnControl:
    """Stops a running turn. For the event loop's thread only."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def stop(self) -> None:
        """End the turn and keep what was generated so far."""
        self._event.set()

    @property
    def stopped(self) -> bool:
        """Whether the turn was stopped."""
        return self._event.is_set()

    def raise_if_stopped(self) -> None:
        """Check for the stop.

        Raises:
            CancelledByUserError: The turn was stopped.
        """
        if self.stopped:
            raise CancelledByUserError("Stopped before there was an answer.")

    async def run_unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` and return its result.

        Raises:
            CancelledByUserError: The stop came first; `work` is cancelled.
        """
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self.raise_if_stopped()
            return task.result()
        finally:
            task.cancel()
            stop.cancel()

    @asynccontextmanager
    async def on_stop(self, act: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        """Call `act` once if the turn is stopped while the body runs."""

        async def act_on_stop() -> None:
            await self._event.wait()
            await act()

        task = asyncio.ensure_future(act_on_stop())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

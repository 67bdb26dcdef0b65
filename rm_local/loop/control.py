"""The user's control over a turn: the choices before it begins, and the stop."""

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
    """Subproblem to use instead of the model's own; then nothing is formulated."""
    pinned: tuple[Hit, ...] = ()
    """Hits to place before the hits of the search."""
    dropped: frozenset[int] = frozenset()
    """Ids of entries to leave out."""
    seed: int = 0
    """Seed of the random generator: the same seed samples the same tokens."""
    temperature: float | None = None
    """Temperature of the branches; None = the temperature of the model's file or of the plan."""
    grammar: str = ""
    """GBNF grammar that the answer of every branch follows; empty = unconstrained."""
    author: Author = "user"
    """Author of `subproblem`. A subproblem by the user is the whole query and opens the gate. A
    repeated turn keeps the author of its subproblem."""

    @property
    def users_subproblem(self) -> bool:
        """Whether the user has named the subproblem."""
        return bool(self.subproblem) and self.author == "user"


class TurnControl:
    """Control that stops a running turn. For the event loop's thread only."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def stop(self) -> None:
        """End the turn and keep the text generated so far."""
        self._event.set()

    @property
    def stopped(self) -> bool:
        """Whether the turn was stopped."""
        return self._event.is_set()

    def raise_if_stopped(self) -> None:
        """Raise an error if the turn was stopped.

        Raises:
            CancelledByUserError: The turn was stopped.
        """
        if self.stopped:
            raise CancelledByUserError("Stopped before there was an answer.")

    async def run_unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` and return its result.

        Raises:
            CancelledByUserError: The turn was stopped before the end of `work`; `work` is
            cancelled.
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
        """Call `act` once if the turn is stopped during the body of the `with` statement."""

        async def act_on_stop() -> None:
            await self._event.wait()
            await act()

        task = asyncio.ensure_future(act_on_stop())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

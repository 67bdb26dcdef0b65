"""The user's control over a turn: choices made before it begins, and stopping it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from rm_local.errors import CancelledByUserError, UsageError
from rm_local.limits import HIGHEST_TEMPERATURE, LARGEST_SEED
from rm_local.loop.events import Author
from rm_local.records import EntryKey, Hit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TurnOverrides:
    """Choices of the user for one turn, made before it begins; they override plan and model."""

    subproblem: str | None = None
    """Subproblem to use instead of the model's own; then nothing is formulated."""
    pinned: tuple[Hit, ...] = ()
    """Hits to use before those that the search finds."""
    dropped: frozenset[EntryKey] = frozenset()
    """Entries that are not used even if the search finds them; without a store's name in any."""
    seed: int = 0
    """Seed of the random generator: the same seed samples the same tokens."""
    temperature: float | None = None
    """Temperature of the branches; None = the temperature of the model's file or of the plan."""
    grammar: str = ""
    """GBNF grammar that the answer of every branch follows; empty = unconstrained."""
    author: Author = "user"
    """Author of `subproblem`. A subproblem by the user is the whole query, and the question is not
    gated. A repeated turn keeps the author of its subproblem."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: The temperature or the seed is out of its range.
        """
        if self.temperature is not None and not 0 <= self.temperature <= HIGHEST_TEMPERATURE:
            raise UsageError(
                f"The temperature is {self.temperature!r}.",
                f"Set it to a number from 0 to {HIGHEST_TEMPERATURE}.",
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise UsageError(
                f"The seed is {self.seed!r}.", f"Set it to a number from 0 to {LARGEST_SEED}."
            )

    @property
    def is_subproblem_by_user(self) -> bool:
        """Whether `subproblem` was written by the user."""
        return bool(self.subproblem) and self.author == "user"


class TurnControl:
    """Lets the user stop a running turn, and its steps react. For the event loop's thread only."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def stop(self) -> None:
        """Request the end of the turn; the text generated so far is kept."""
        self._event.set()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._event.is_set()

    def raise_if_stopped(self) -> None:
        """Raise an error if the turn was stopped; otherwise do nothing.

        Raises:
            CancelledByUserError: The turn was stopped.
        """
        if self.is_stopped:
            raise CancelledByUserError("Stopped before there was an answer.")

    async def run_unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` and return its result; cancel it when the turn is stopped.

        Raises:
            CancelledByUserError: The turn was stopped before the end of `work`.
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
        """Await `act()` once if the turn is stopped before or during the `with` body."""

        async def act_on_stop() -> None:
            await self._event.wait()
            await act()

        task = asyncio.ensure_future(act_on_stop())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

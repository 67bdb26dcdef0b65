"""The time limit of a turn: a callback when it is reached, and its error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from rm_local.errors import RmLocalError


class Deadline:
    """The point in time at which a turn has to end; may be never. For one event loop."""

    def __init__(self, seconds: float = 0.0) -> None:
        """Set the time limit to `seconds` from now; 0 = no limit."""
        self._seconds = seconds
        self._end = _read_clock() + seconds if seconds > 0 else None

    @property
    def has_passed(self) -> bool:
        """Whether the time limit is over; always False without one."""
        return self._end is not None and _read_clock() >= self._end

    @asynccontextmanager
    async def on_passed(self, act: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        """Await `act()` once if the time limit is over before or during the `with` body."""
        if self._end is None:
            yield
            return
        task = asyncio.ensure_future(self._act_at(self._end, act))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    def make_timeout_error(self) -> RmLocalError:
        """Create the error of a turn without an answer at its time limit."""
        return RmLocalError(
            f"This turn reached its limit of {self._seconds:g} seconds without an answer.",
            "Allow more time (`--max-seconds`), or use fewer branches (`--samples`).",
        )

    @staticmethod
    async def _act_at(end: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Await `act()` at the time `end`, by the clock of the event loop."""
        await asyncio.sleep(max(0.0, end - _read_clock()))
        await act()


def _read_clock() -> float:
    """Return the time of the event loop's own clock, in seconds."""
    return asyncio.get_running_loop().time()

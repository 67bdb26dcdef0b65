"""The time limit of a turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from rm_local.errors import RmLocalError


class Deadline:
    """A time at which running work is ended, or no limit. For one event loop."""

    def __init__(self, seconds: float = 0.0) -> None:
        """`seconds` from now; 0 = never."""
        self._seconds = seconds
        self._end = _read_clock() + seconds if seconds > 0 else None

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self._end is not None and _read_clock() >= self._end

    @asynccontextmanager
    async def on_passed(self, act: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        """While the body runs, call `act` once when the time is over, or at once if it is."""
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
        """The error of a turn that had no answer when its time was over."""
        return RmLocalError(
            f"This turn reached its limit of {self._seconds:g} seconds without an answer.",
            "Allow more time (`--max-seconds`), or use fewer branches (`--samples`).",
        )

    @staticmethod
    async def _act_at(end: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await asyncio.sleep(max(0.0, end - _read_clock()))
        await act()


def _read_clock() -> float:
    """The event loop's own clock, in seconds."""
    return asyncio.get_running_loop().time()

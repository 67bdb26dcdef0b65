"""The time that a turn may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from rm_local.errors import RmLocalError


class Deadline:
    """A moment at which running work is ended, or none. For one event loop."""

    def __init__(self, seconds: float = 0.0) -> None:
        """`seconds` from now; 0 = never."""
        self._seconds = seconds
        self._end = _now() + seconds if seconds > 0 else None

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self._end is not None and _now() >= self._end

    @asynccontextmanager
    async def on_passed(self, act: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        """While the body runs, call `act` once when the time is over, at once if it is already."""
        if self._end is None:
            yield
            return
        task = asyncio.ensure_future(self._act_then(self._end, act))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    def error(self) -> RmLocalError:
        """The error of a turn that had nothing to show when the time was over."""
        return RmLocalError(
            f"The {self._seconds:g} seconds of this turn were over before there was an answer.",
            "Allow more seconds, fewer branches, or none at all (`--max-seconds`, `--samples`).",
        )

    @staticmethod
    async def _act_then(end: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await asyncio.sleep(max(0.0, end - _now()))
        await act()


def _now() -> float:
    """Seconds of the clock by which the event loop wakes its tasks."""
    return asyncio.get_running_loop().time()

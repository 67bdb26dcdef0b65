"""Runs a callback after a period without activity."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


class IdleTimer:
    """Timer that awaits `act()` after `seconds` without activity. For one event loop.

    Callers mark activity with `mark_busy`; the timer first starts after the first activity.

    It uses the monotonic clock; on Linux and macOS that clock stops while the machine sleeps.
    """

    def __init__(self, seconds: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Create a stopped timer. With `seconds` 0 it never calls `act`."""
        self._seconds = seconds
        self._act = act
        self._busy = 0
        self._timer: asyncio.TimerHandle | None = None
        self._acting: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the timer is counting down; False during activity, and after `stop`."""
        return self._timer is not None

    @contextmanager
    def mark_busy(self) -> Iterator[None]:
        """Keep the timer stopped during the `with` body; when no activity is left, restart it."""
        loop = asyncio.get_running_loop()
        self.stop()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if self._seconds and not self._busy:
                self._timer = loop.call_later(self._seconds, self._start_action)

    def stop(self) -> None:
        """Stop the timer until the next activity has ended."""
        if self._timer:
            self._timer.cancel()
        self._timer = None

    async def close(self) -> None:
        """Stop the timer, and wait until a running call of `act` has ended."""
        self.stop()
        if self._acting:
            await asyncio.wait((self._acting,))

    def _start_action(self) -> None:
        """Start `act` as a task, when the time without activity is over."""
        self._timer = None
        self._acting = asyncio.get_running_loop().create_task(self._act(), name="idle")

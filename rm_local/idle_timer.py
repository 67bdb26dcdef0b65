"""What is done once nothing has been under way for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


class Idle:
    """Calls `act` when nothing has been under way for some seconds. For one event loop.

    Seconds are the system's monotonic ones: on Linux and macOS a machine that sleeps does not
    age meanwhile.
    """

    def __init__(self, seconds: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """`seconds` 0 = never."""
        self._seconds = seconds
        self._act = act
        self._busy = 0
        self._timer: asyncio.TimerHandle | None = None
        self._acting: asyncio.Task[None] | None = None

    @property
    def counting(self) -> bool:
        """Whether the seconds run."""
        return self._timer is not None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While the body runs, however long, the seconds do not; behind it they run anew."""
        loop = asyncio.get_running_loop()
        self.stop()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if self._seconds and not self._busy:
                self._timer = loop.call_later(self._seconds, self._over)

    def stop(self) -> None:
        """Let the seconds run no more until something has been under way again."""
        if self._timer:
            self._timer.cancel()
        self._timer = None

    async def close(self) -> None:
        """Let the seconds run no more, and wait for what has begun."""
        self.stop()
        if self._acting:
            await asyncio.wait((self._acting,))

    def _over(self) -> None:
        self._timer = None
        self._acting = asyncio.get_running_loop().create_task(self._act(), name="idle")

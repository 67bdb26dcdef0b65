"""Lets turns use one engine one after another, in the order of their questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rm_local.loop.control import TurnControl


class TurnQueue:
    """Queue that admits one turn at a time, first come, first served. For one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def take_turn(self, control: TurnControl) -> AsyncIterator[None]:
        """Wait until earlier turns have ended; the next turn waits for the end of the `with` body.

        Raises:
            CancelledByUserError: The turn was stopped while it waited.
        """
        acquired = asyncio.ensure_future(self._lock.acquire())
        try:
            await control.run_unless_stopped(asyncio.wait((acquired,)))
            yield
        finally:
            if acquired.done() and not acquired.cancelled():
                self._lock.release()
            else:
                acquired.cancel()

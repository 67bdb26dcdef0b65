"""Lets the turns of several sessions use one engine, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rm_local.loop.control import TurnControl


class TurnQueue:
    """Lets one turn at a time run, first come, first served. For one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def wait_for_and_hold_turn(self, control: TurnControl) -> AsyncIterator[None]:
        """Wait until all earlier turns have ended, then run the `with` body; later turns wait.

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

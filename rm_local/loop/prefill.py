"""Opening a turn: the engine reads the conversation, and tells how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from time import perf_counter

from rm_local.engine.protocol import Message, Room
from rm_local.loop.branch_stream import Model
from rm_local.loop.control import Control
from rm_local.loop.events import Event, Prefilling, of_context
from rm_local.loop.plan import Plan


class Opening:
    """`events` while the engine reads; then `tokens` are known."""

    def __init__(self, engine: Model, plan: Plan, control: Control) -> None:
        self.tokens = 0
        """Of the whole prompt."""
        self._engine = engine
        self._plan = plan
        self._control = control

    async def events(self, messages: Sequence[Message]) -> AsyncGenerator[Event, None]:
        """`Prefilling` and `RoomMade`, as the engine tells them. Raises what `open_turn` raises."""
        told: asyncio.Queue[float | Room | None] = asyncio.Queue()
        began = perf_counter()
        reading = asyncio.ensure_future(
            self._engine.open_turn(
                messages,
                thinking=self._plan.thinking,
                effort=self._plan.effort,
                on_room=told.put_nowait,
                on_progress=told.put_nowait,
            )
        )
        reading.add_done_callback(lambda _: told.put_nowait(None))
        try:
            async with self._control.on_stop(self._engine.cancel):
                while (each := await told.get()) is not None:
                    if isinstance(each, Room):
                        yield of_context(each)
                    else:
                        yield Prefilling(each, _left(each, perf_counter() - began))
                self.tokens = await reading
        finally:
            if not reading.done():
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading


def _left(share: float, seconds: float) -> float:
    """Seconds for the rest, when this share took so many."""
    return seconds * (1 - share) / share if share else 0.0

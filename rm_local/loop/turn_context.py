"""The objects shared by the steps of a turn, and the queue of their events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.deadline import Deadline
from rm_local.loop.events import Event
from rm_local.loop.interfaces import LanguageModel
from rm_local.loop.plan import Plan

HIGH_WATER = 64
"""Number of unread events at which a step waits for the reader."""


class EventQueue:
    """Queue of events from a turn's steps to the one reader of the turn.

    As in asyncio's streams, `emit` never waits; a step with many events awaits `drain` after each.
    `drain` returns at once unless HIGH_WATER events are unread.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def emit(self, event: Event) -> None:
        """Append an event."""
        self._queue.put_nowait(event)

    async def drain(self) -> None:
        """Wait until the reader has taken all events, if HIGH_WATER of them are unread."""
        if self._queue.qsize() >= HIGH_WATER:
            await self._queue.join()

    def emit_end(self) -> None:
        """Mark the end of the events."""
        self._queue.put_nowait(None)

    async def read_event(self) -> Event | None:
        """Wait for the next event; None after the last."""
        event = await self._queue.get()
        self._queue.task_done()
        return event


@dataclass(frozen=True, slots=True)
class TurnContext:
    """The objects shared by the steps of one turn."""

    plan: Plan
    engine: LanguageModel
    overrides: TurnOverrides
    control: TurnControl
    events: EventQueue
    deadline: Deadline = field(default_factory=Deadline)
    question: str = ""

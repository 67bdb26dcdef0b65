"""The objects that the steps of a turn share, and the queue of the turn's events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.deadline import Deadline
from rm_local.loop.events import Event
from rm_local.loop.interfaces import LanguageModel
from rm_local.loop.plan import Plan

HIGH_WATER = 64
"""Number of unread events from which a step waits for the reader."""


class EventQueue:
    """Queue of events from the steps of a turn to its one reader.

    As in asyncio's streams, `emit` never waits; a step with many events awaits
    `wait_if_many_unread` after each, so that the reader can keep up.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def emit(self, event: Event) -> None:
        """Append an event for the reader, without waiting."""
        self._queue.put_nowait(event)

    async def wait_if_many_unread(self) -> None:
        """Wait until the reader has taken all events, if HIGH_WATER of them are unread."""
        if self._queue.qsize() >= HIGH_WATER:
            await self._queue.join()

    def emit_end(self) -> None:
        """Append the end of the stream: the reader gets None after the events so far."""
        self._queue.put_nowait(None)

    async def read_event(self) -> Event | None:
        """Wait for the next event, and return it; None after the last."""
        event = await self._queue.get()
        self._queue.task_done()
        return event


@dataclass(frozen=True, slots=True)
class TurnContext:
    """The objects that the steps of one turn share, such as its plan, engine and event queue."""

    plan: Plan
    engine: LanguageModel
    overrides: TurnOverrides
    control: TurnControl
    events: EventQueue
    deadline: Deadline = field(default_factory=Deadline)
    question: str = ""

"""Delivers run events (of the model, and notices) to the current turn, else to watchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

from rm_local.loop.events import Notice, RunEvent


class RunEventQueue:
    """The run events that are published during one turn."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[RunEvent] = asyncio.Queue()

    def add_event(self, event: RunEvent) -> None:
        """Keep the event until `take_events`."""
        self._queue.put_nowait(event)

    def take_events(self) -> Iterator[RunEvent]:
        """Remove and yield the events published so far."""
        while not self._queue.empty():
            yield self._queue.get_nowait()

    async def follow_until(self, task: asyncio.Future[Any]) -> AsyncGenerator[RunEvent, None]:
        """Yield events until `task` is done; closing the generator cancels the task."""
        try:
            while not task.done():
                published = asyncio.ensure_future(self._queue.get())
                try:
                    await asyncio.wait((published, task), return_when=asyncio.FIRST_COMPLETED)
                    if published.done():
                        yield published.result()
                finally:
                    published.cancel()
            for event in self.take_events():
                yield event
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))


class RunEvents:
    """Delivery of each run event to a turn or to watchers, never to both. For one event loop.

    During a turn, events are part of its stream. Between turns they go to all watchers. A notice is
    delivered once, however often it is published; without a turn or a watcher it is kept for the
    next one.
    """

    def __init__(self) -> None:
        self._turn: RunEventQueue | None = None
        self._watchers: list[asyncio.Queue[RunEvent | None]] = []
        self._published: set[str] = set()
        self._kept: list[Notice] = []

    def publish_event(self, event: RunEvent) -> None:
        """Deliver the event."""
        if isinstance(event, Notice):
            if event.text in self._published:
                return
            self._published.add(event.text)
        if self._turn is not None:
            self._turn.add_event(event)
        elif self._watchers:
            for queue in self._watchers:
                queue.put_nowait(event)
        elif isinstance(event, Notice):
            self._kept.append(event)

    @contextmanager
    def within_turn(self) -> Iterator[RunEventQueue]:
        """Deliver events to one turn in the body of the `with` statement. One turn at a time."""
        turn = self._turn = RunEventQueue()
        self._publish_kept()
        try:
            yield turn
        finally:
            self._turn = None
            for event in turn.take_events():
                if isinstance(event, Notice):
                    self._republish_notice(event)

    def watch_events(self) -> AsyncGenerator[RunEvent, None]:
        """Yield the events between turns, from now until `close`."""
        queue: asyncio.Queue[RunEvent | None] = asyncio.Queue()
        self._watchers.append(queue)
        self._publish_kept()
        return self._follow_queue(queue)

    async def _follow_queue(
        self, queue: asyncio.Queue[RunEvent | None]
    ) -> AsyncGenerator[RunEvent, None]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            if queue in self._watchers:
                self._watchers.remove(queue)

    def close(self) -> None:
        """End the streams of all watchers after the events published so far."""
        for queue in self._watchers:
            queue.put_nowait(None)
        self._watchers = []

    def _publish_kept(self) -> None:
        kept, self._kept = self._kept, []
        for notice in kept:
            self._republish_notice(notice)

    def _republish_notice(self, notice: Notice) -> None:
        self._published.discard(notice.text)
        self.publish_event(notice)

"""Delivers run events (of the model, and notices) to the running turn, else to watchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

from rm_local.loop.events import Notice, RunEvent


class RunEventQueue:
    """Queue of the run events that are published during one turn."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[RunEvent] = asyncio.Queue()

    def add_event(self, event: RunEvent) -> None:
        """Append an event."""
        self._queue.put_nowait(event)

    def take_events(self) -> Iterator[RunEvent]:
        """Remove and yield all events in the queue, without waiting."""
        while not self._queue.empty():
            yield self._queue.get_nowait()

    async def follow_until_done_or_cancel(
        self, task: asyncio.Future[Any]
    ) -> AsyncGenerator[RunEvent, None]:
        """Remove and yield events as they are published, until `task` is done.

        Closing the generator cancels the task.
        """
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


class RunEventRouter:
    """Delivers each run event either to the running turn or to all watchers. For one event loop.

    Between turns events go to the watchers. A notice is delivered once, however often it is
    published; without a turn and a watcher it is kept for the next one.
    """

    def __init__(self) -> None:
        self._turn: RunEventQueue | None = None
        self._watchers: list[asyncio.Queue[RunEvent | None]] = []
        self._published: set[str] = set()
        self._kept: list[Notice] = []

    def deliver_to_turn_or_watchers(self, event: RunEvent) -> None:
        """Deliver an event to the running turn, else to all watchers; a notice only once.

        Without a turn and a watcher, a notice is kept for the next one; other events are dropped.
        """
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
    def route_events_to_turn(self) -> Iterator[RunEventQueue]:
        """Deliver the events during the `with` body to a turn, through the yielded queue.

        Only one turn at a time. Notices that it has not taken go to the watchers afterwards.
        """
        turn = self._turn = RunEventQueue()
        self._republish_kept_notices()
        try:
            yield turn
        finally:
            self._turn = None
            for event in turn.take_events():
                if isinstance(event, Notice):
                    self._republish_notice(event)

    def watch_events_between_turns(self) -> AsyncGenerator[RunEvent, None]:
        """Return a generator of the events between turns, from now until `close`."""
        queue: asyncio.Queue[RunEvent | None] = asyncio.Queue()
        self._watchers.append(queue)
        self._republish_kept_notices()
        return self._follow_queue(queue)

    async def _follow_queue(
        self, queue: asyncio.Queue[RunEvent | None]
    ) -> AsyncGenerator[RunEvent, None]:
        """Yield the events of a watcher's queue, until `close`."""
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

    def _republish_kept_notices(self) -> None:
        """Deliver the notices that were kept because nobody listened."""
        kept, self._kept = self._kept, []
        for notice in kept:
            self._republish_notice(notice)

    def _republish_notice(self, notice: Notice) -> None:
        """Deliver a notice that was published before but was not read."""
        self._published.discard(notice.text)
        self.deliver_to_turn_or_watchers(notice)

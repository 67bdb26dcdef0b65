"""Requests as they arrive, on a thread of their own: a cancel is seen while the model works."""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Callable
from typing import BinaryIO

from rm_local.engine import protocol, wire
from rm_local.records import StopReason


class Inbox:
    """The queue of requests, and what has been cancelled of the one that is being served."""

    def __init__(self, source: BinaryIO, on_end: Callable[[], object]) -> None:
        """`on_end` is called, on the reading thread, when `source` ends."""
        self._source = source
        self._on_end = on_end
        self._requests: queue.SimpleQueue[tuple[int, protocol.Request]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current, self._serving = 0, False
        self._cancels: dict[int, list[protocol.Cancel]] = {}
        self._whole: StopReason | None = None
        self._branches: dict[int, StopReason] = {}
        self.abort = ctypes.create_string_buffer(2)
        """A C string that is empty until the whole of the current request is cancelled."""

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next(self) -> tuple[int, protocol.Request]:
        """The next request and its number; waits for it. Cancels now refer to this one."""
        number, request = self._requests.get()
        with self._lock:
            self._current, self._serving = number, True
            self._whole, self._branches, self.abort[0] = None, {}, b"\0"
            for cancel in self._cancels.pop(number, []):
                self._apply(cancel)
        return number, request

    def done(self) -> None:
        """The current request is answered: cancels of it come too late."""
        with self._lock:
            self._serving = False

    @property
    def cancelled(self) -> StopReason | None:
        """Why the whole of the current request is to end; None when it is not."""
        return self._whole

    def stopped(self, branch: int) -> StopReason | None:
        """Why this branch of the current request is to end; None when it is not."""
        return self._whole or self._branches.get(branch)

    def _read(self) -> None:
        for line in self._source:
            number, message = wire.decode_message(line)
            if isinstance(message, protocol.Cancel):
                self._cancel(message)
            else:
                self._requests.put((number, message))
        self._on_end()

    def _cancel(self, cancel: protocol.Cancel) -> None:
        with self._lock:
            if cancel.request > self._current:
                self._cancels.setdefault(cancel.request, []).append(cancel)
            elif cancel.request == self._current and self._serving:
                self._apply(cancel)

    def _apply(self, cancel: protocol.Cancel) -> None:
        if cancel.branches is None:
            self._whole, self.abort[0] = cancel.reason, b"\1"
        else:
            self._branches.update(dict.fromkeys(cancel.branches, cancel.reason))

"""Reads requests on a separate thread, so that a cancel is received while the model computes."""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Callable
from typing import BinaryIO

from rm_local.engine import protocol, wire
from rm_local.records import StopReason


class Inbox:
    """Receives requests and cancels on a thread, and keeps them for the worker's main thread."""

    def __init__(self, source: BinaryIO, on_end: Callable[[], object]) -> None:
        """Prepare to read from `source`; at its end, `on_end` is called on the reading thread."""
        self._source = source
        self._on_end = on_end
        self._requests: queue.SimpleQueue[tuple[int, protocol.Request]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current, self._serving = 0, False
        self._cancels: dict[int, list[protocol.Cancel]] = {}
        self._reason: StopReason | None = None
        self._branches: dict[int, StopReason] = {}
        self.abort = ctypes.create_string_buffer(2)
        """A C string for llama.cpp: empty until the current request is cancelled as a whole."""

    def start_reading(self) -> None:
        """Start the thread that reads requests."""
        threading.Thread(target=self._receive_messages_until_end, name="inbox", daemon=True).start()

    def take_request(self) -> tuple[int, protocol.Request]:
        """Wait for the next request, make it the current one, and return its number and it."""
        number, request = self._requests.get()
        with self._lock:
            self._current, self._serving = number, True
            self._reason, self._branches, self.abort[0] = None, {}, b"\0"
            for cancel in self._cancels.pop(number, []):
                self._apply_cancel(cancel)
        return number, request

    def mark_request_answered(self) -> None:
        """Mark the current request as answered: further cancels of it are ignored."""
        with self._lock:
            self._serving = False

    @property
    def cancel_reason(self) -> StopReason | None:
        """Why the current request was cancelled as a whole; None if it was not."""
        return self._reason

    def find_branch_cancel_reason(self, branch: int) -> StopReason | None:
        """Return why a branch of the current request was cancelled; None if it was not."""
        return self._reason or self._branches.get(branch)

    def _receive_messages_until_end(self) -> None:
        """Read messages until the source ends: queue requests, and handle cancels at once.

        Then call `on_end`.
        """
        for line in self._source:
            number, message = wire.decode_message(line)
            if isinstance(message, protocol.Cancel):
                self._apply_keep_or_ignore_cancel(message)
            else:
                self._requests.put((number, message))
        self._on_end()

    def _apply_keep_or_ignore_cancel(self, cancel: protocol.Cancel) -> None:
        """Apply a cancel to the current request, or keep it for a request that is still queued.

        A cancel of a request that has been answered is ignored.
        """
        with self._lock:
            if cancel.request > self._current:
                self._cancels.setdefault(cancel.request, []).append(cancel)
            elif cancel.request == self._current and self._serving:
                self._apply_cancel(cancel)

    def _apply_cancel(self, cancel: protocol.Cancel) -> None:
        """Mark the current request, or some of its branches, as cancelled."""
        if cancel.branches is None:
            self._reason, self.abort[0] = cancel.reason, b"\1"
        else:
            self._branches.update(dict.fromkeys(cancel.branches, cancel.reason))

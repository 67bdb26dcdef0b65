"""Ends the worker when llama.cpp does not return from a call about a grammar.

A call into C cannot be interrupted from Python, and can fill the memory meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType

_INTERVAL = 0.25


class Watchdog:
    """Writes `last_words` and ends the process if the body needs more than `seconds` of CPU time.

    CPU time is measured, so that a machine that is busy or asleep does not count. Must not be
    entered twice at once.
    """

    def __init__(self, seconds: float, last_words: str) -> None:
        self._seconds = seconds
        self._last_words = last_words
        self._until = float("inf")
        self._thread: threading.Thread | None = None
        self._log = 2

    def __enter__(self) -> None:
        self._until = time.process_time() + self._seconds
        if self._thread is None:
            self._log = os.dup(2)
            self._thread = threading.Thread(
                target=self._wait_for_deadline, name="watchdog", daemon=True
            )
            self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._until = float("inf")

    def _wait_for_deadline(self) -> None:
        while time.process_time() < self._until:
            time.sleep(_INTERVAL)
        os.write(self._log, f"\n{self._last_words}\n".encode())
        os._exit(1)

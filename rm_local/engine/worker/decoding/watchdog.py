"""Ends the worker process if llama.cpp does not return from a call about a grammar.

A call of a C function cannot be interrupted from Python, and such a call can fill the memory.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType

_INTERVAL = 0.25
"""Seconds between two checks of the time limit."""


class Watchdog:
    """Ends the process, after writing `last_words` to the log, if a `with` body takes too long.

    The limit is `seconds` of CPU time, because a busy or sleeping machine uses none of it. Do not
    nest the `with` statements of one watchdog.
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
                target=self._end_process_at_deadline, name="watchdog", daemon=True
            )
            self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._until = float("inf")

    def _end_process_at_deadline(self) -> None:
        """Wait until the time limit of a `with` body has passed; then end the process."""
        while time.process_time() < self._until:
            time.sleep(_INTERVAL)
        os.write(self._log, f"\n{self._last_words}\n".encode())
        os._exit(1)

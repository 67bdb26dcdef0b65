"""Ends the worker when llama.cpp does not come back from a grammar.

Nothing can be done from within: a call into C ends when it ends, and meanwhile fills the memory.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType

_LOOK = 0.25


class Watchdog:
    """Gives the body so many seconds of computing, then writes `last_words` and ends the process.

    The process's own time is measured, so that a machine that is busy or asleep is not blamed on
    anybody. Not to be entered twice at once.
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
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._until = float("inf")

    def _watch(self) -> None:
        while time.process_time() < self._until:
            time.sleep(_LOOK)
        os.write(self._log, f"\n{self._last_words}\n".encode())
        os._exit(1)

"""How many threads a training step takes: all cores, or one while other programs are busy."""

from __future__ import annotations

import os

STRETCHED = 1.8
"""A step that takes so many times the shortest one met other programs: threads wait for one
another, and one alone is faster."""
PATIENCE = 8
"""Steps on one thread until all are tried again."""


class ThreadCount:
    """Chooses the number by the time that the steps take."""

    def __init__(self, most: int = 0) -> None:
        """At most `most` threads; 0: one for each core."""
        self._most = most or os.cpu_count() or 1
        self._shortest = float("inf")
        self._left = 0
        """Steps yet to be made on one thread."""

    @property
    def threads(self) -> int:
        """Of the next step."""
        return 1 if self._left else self._most

    def add_step(self, seconds: float) -> None:
        """Take in how long the step took on `threads` threads."""
        if self._left:
            self._left -= 1
            return
        self._shortest = min(self._shortest, seconds)
        if self._most > 1 and seconds > STRETCHED * self._shortest:
            self._left = PATIENCE

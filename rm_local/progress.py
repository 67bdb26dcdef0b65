"""How far a long operation is: one type that all of them report, with its rate and time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Unit = Literal["entries", "bytes"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of an operation is."""

    stage: str
    done: int = 0
    total: int | None = None
    """In the same unit as `done`; None where it is not known."""
    rate: float | None = None
    """Units in a second since the stage began; None before there is one."""
    seconds_left: float | None = None
    """Of this stage, at the rate so far."""
    unit: Unit = "entries"


ProgressCallback = Callable[[Progress], None]

DoneCallback = Callable[[int], None]
"""Called with how much of one stage is done; `ProgressMeter.reach` is one."""


def ignore_progress(progress: Progress) -> None:
    """The callback of those who do not want to know."""


class ProgressMeter:
    """Reports how far one stage is, with its rate and the time left, from its beginning on."""

    def __init__(
        self,
        report: ProgressCallback,
        stage: str,
        total: int | None = None,
        done: int = 0,
        *,
        unit: Unit = "entries",
    ) -> None:
        """`done` units were done by an earlier run: they took this one no time."""
        self._report, self._stage, self._unit = report, stage, unit
        self.total = total
        self._begin(done)
        self.reach(done)

    def reach(self, done: int, share: float | None = None) -> None:
        """Report that `done` units are done.

        `share`, from 0 to 1, says how much of the stage that is where the total is not known.
        """
        if done < self._first:
            self._begin(done)  # it starts over
        passed = time.monotonic() - self._started
        gained = done - self._first
        rate = gained / passed if gained and passed > 0 else None
        left = None
        if share:
            left = passed / share * (1 - share)
        elif self.total is not None and gained:
            left = passed / gained * (self.total - done)
        self._report(Progress(self._stage, done, self.total, rate, left, self._unit))

    def _begin(self, done: int) -> None:
        self._first, self._started = done, time.monotonic()

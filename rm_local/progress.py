"""Reports of the progress of long operations: stage, units done, rate and time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Unit = Literal["entries", "bytes"]


@dataclass(frozen=True, slots=True)
class Progress:
    """State of one stage of a long operation, as it is reported to a `ProgressCallback`."""

    stage: str
    done: int = 0
    total: int | None = None
    """Final value of `done`; None if it is not known."""
    rate: float | None = None
    """Units per second since the stage began; None before the first unit."""
    seconds_left: float | None = None
    """Seconds to the end of the stage at the rate so far; None if they cannot be estimated."""
    unit: Unit = "entries"


ProgressCallback = Callable[[Progress], None]

DoneCallback = Callable[[int], None]
"""Callback that gets the number of units done so far in one stage of an operation."""


def ignore_progress(progress: Progress) -> None:
    """Do nothing: the progress callback of callers that show no progress."""


def ignore_done(done: int) -> None:
    """Do nothing: the `DoneCallback` of callers that show no progress."""


class ProgressMeter:
    """Calls a `ProgressCallback` with the progress of one stage: units done, rate and time left."""

    def __init__(
        self,
        report: ProgressCallback,
        stage: str,
        total: int | None = None,
        done: int = 0,
        *,
        unit: Unit = "entries",
    ) -> None:
        """Begin the stage, and report it.

        `done` units were done by an earlier run; they do not count for the rate. `total` is the
        final number of units; None if it is not known.
        """
        self._report, self._stage, self._unit = report, stage, unit
        self.total = total
        self._start_clock(done)
        self.report_units_done(done)

    def report_units_done(self, done: int, share: float | None = None) -> None:
        """Report that `done` units are done in all.

        `share` is the completed share of the stage, 0 to 1, to estimate the time left if the total
        is not known. A `done` below the first one restarts the stage.
        """
        if done < self._first:
            self._start_clock(done)  # it starts over
        passed = time.monotonic() - self._started
        gained = done - self._first
        rate = gained / passed if gained and passed > 0 else None
        left = None
        if share:
            left = passed / share * (1 - share)
        elif self.total is not None and gained:
            left = passed / gained * (self.total - done)
        self._report(Progress(self._stage, done, self.total, rate, left, self._unit))

    def report_share_done(self, share: float) -> None:
        """Report that a share of the stage, 0 to 1, is done; its total must be known."""
        self.report_units_done(round(share * (self.total or 0)))

    def _start_clock(self, done: int) -> None:
        """Measure rate and time from now on, with `done` units as the start."""
        self._first, self._started = done, time.monotonic()


def make_share_reporter(report: ProgressCallback, stage: str) -> Callable[[float], None]:
    """Return a callback that reports the completed share, 0 to 1, of a stage in hundredths.

    Nothing is reported before its first call.
    """
    meter: ProgressMeter | None = None

    def report_share_in_hundredths(share: float) -> None:
        nonlocal meter
        meter = meter or ProgressMeter(report, stage, 100)
        meter.report_share_done(share)

    return report_share_in_hundredths

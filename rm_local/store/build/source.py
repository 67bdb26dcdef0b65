"""Where the entries of a bulk build come from, and what a build tells while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rm_local.records import Entry
from rm_local.store.codec.quantize import Floats

Batch = tuple[Sequence[Entry], Floats]
"""Entries, and the vectors of their subproblems, (n, d), in the same order."""

Stage = Literal["sample", "train", "spill", "write", "finish", "calibrate"]


class Source(Protocol):
    """Entries that can be read from any block on, the same each time.

    It can be pickled: several processes read it side by side.
    """

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def fingerprint(self) -> str:
        """Tells this source from another, so that a build goes on only with its own."""

    @property
    def block_rows(self) -> int:
        """Rows in a block; the last one may have fewer. Thousands pay best."""

    def block(self, number: int) -> Batch:
        """The rows of one block, counted from 0, as are blocks."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage of a build is."""

    stage: Stage
    done: int
    total: int
    """Rows, as is `done`."""
    seconds_left: float | None
    """Of this stage, at the rate so far; None before there is one."""


Report = Callable[[Progress], None]


class Meter:
    """Tells how far one stage is, with the time left at its rate so far."""

    def __init__(self, report: Report, stage: Stage, total: int, done: int = 0) -> None:
        self._report = report
        self._stage: Stage = stage
        self._total = total
        self._first = done
        self._started = time.monotonic()
        self.reach(done)

    def reach(self, done: int) -> None:
        """`done` rows of the total are done."""
        left = None
        if done > self._first:
            seconds = time.monotonic() - self._started
            left = seconds / (done - self._first) * (self._total - done)
        self._report(Progress(self._stage, done, self._total, left))

"""How far a long command is, on standard error."""

from __future__ import annotations

import sys
import time

import click

REDRAW, APART = 0.1, 10.0
"""Seconds between two signs of one stage: on a terminal, which shows one line, and elsewhere."""


class Teller:
    """Writes stage, rows, rate and time left, now and then, and where a stage begins and ends."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._stage = ""
        self._first = 0
        self._since = self._due = 0.0
        self._open = False

    def __call__(
        self, stage: str, done: int, total: int | None, seconds_left: float | None = None
    ) -> None:
        """`done` of `total` rows of the stage are done."""
        now = time.monotonic()
        if stage != self._stage:
            self.end()
            self._stage, self._first, self._since, self._due = stage, done, now, now
        if now < self._due and done != total:
            return
        self._due = now + (REDRAW if self._live else APART)
        self._write(self._line(done, total, now - self._since, seconds_left))

    def end(self) -> None:
        """Leave what is shown, and go on below it."""
        if self._open:
            click.echo(err=True)
            self._open = False

    def _line(self, done: int, total: int | None, passed: float, left: float | None) -> str:
        parts = [f"{done:,}" if total is None else f"{done:,} of {total:,}"]
        if done > self._first and passed > 0:
            parts.append(f"{(done - self._first) / passed:,.0f}/s")
        if left is not None and done != total:
            parts.append(f"{spelled(left)} left")
        return f"{self._stage:<7} {', '.join(parts)}"

    def _write(self, line: str) -> None:
        if self._live:
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)
            self._open = True
        else:
            click.echo(line, err=True)


def spelled(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"

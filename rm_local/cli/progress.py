"""Prints the progress of a long command on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from rm_local.cli.render import format_share_bar, unstyle_and_cut_to_terminal_width
from rm_local.cli.terminal import can_redraw_lines
from rm_local.progress import Progress
from rm_local.units import format_bytes, format_duration

REDRAW_S, REPORT_INTERVAL_S = 0.1, 10.0
"""Seconds between two printed reports of a stage: on a terminal, where one line is redrawn, and
elsewhere."""


class ProgressPrinter:
    """Progress callback that prints to standard error at intervals, and at both ends of a stage."""

    def __init__(self) -> None:
        self._live = can_redraw_lines(sys.stderr)
        self._stage = ""
        self._due = 0.0
        self._open = False

    def __call__(self, progress: Progress) -> None:
        """Print `progress`, unless the same stage was printed within the interval."""
        now = time.monotonic()
        if progress.stage != self._stage:
            self.end_line()
            self._stage, self._due = progress.stage, now
        if now < self._due and progress.done != progress.total:
            return
        self._due = now + (REDRAW_S if self._live else REPORT_INTERVAL_S)
        self._redraw_or_print_line(format_progress(progress, bar=self._live))

    def end_line(self) -> None:
        """End the redrawn line; the next report is printed on a new line."""
        self._stage = ""
        if self._open:
            click.echo(err=True)
            self._open = False

    def _redraw_or_print_line(self, line: str) -> None:
        """Redraw the line on a terminal; elsewhere print it."""
        if self._live:
            self._open = True  # before a signal can interrupt the drawing
            click.echo(f"\r\x1b[K{unstyle_and_cut_to_terminal_width(line)}", nl=False, err=True)
        else:
            click.echo(line, err=True)


def format_progress(progress: Progress, *, bar: bool = False) -> str:
    """Format progress as in `embed   4,096 of 9,000, 210/s, 23 s left`.

    With `bar` a bar precedes the numbers of a stage whose total is known. Before the first unit of
    an unknown total it is the name of the stage alone.
    """
    if not progress.done and progress.total is None:
        return progress.stage
    parts = [_format_amount(progress.done, progress)]
    if progress.total is not None:
        parts[0] += f" of {_format_amount(progress.total, progress)}"
    if progress.rate:
        by_bytes = progress.unit == "bytes"
        parts.append(f"{format_bytes(progress.rate) if by_bytes else f'{progress.rate:,.0f}'}/s")
    if progress.seconds_left is not None and progress.done != progress.total:
        parts.append(f"{format_duration(progress.seconds_left)} left")
    drawn = f"{format_share_bar(progress.done / progress.total)} " if bar and progress.total else ""
    return f"{progress.stage:<7} {drawn}{', '.join(parts)}"


def _format_amount(count: int, progress: Progress) -> str:
    """Format a number of units of the progress: bytes as a size, others as a number."""
    return format_bytes(count, 2) if progress.unit == "bytes" else f"{count:,}"


@contextmanager
def open_progress_printer() -> Iterator[ProgressPrinter]:
    """Give the `with` body a progress callback that prints; end its line afterwards."""
    printer = ProgressPrinter()
    try:
        yield printer
    finally:
        printer.end_line()

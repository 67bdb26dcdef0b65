"""Prints the answer of a turn on standard output, as it is written if only one branch is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from rm_local.cli.context import print_text
from rm_local.cli.escape_buffer import EscapeBuffer
from rm_local.cli.streams import share_file
from rm_local.cli.terminal import is_terminal
from rm_local.engine import TokenChunk
from rm_local.loop import (
    Answered,
    BranchFinished,
    Event,
    Failed,
    GateDecided,
    HitsJudged,
    Plan,
    Retrieved,
)
from rm_local.text import sanitize_text


class AnswerPrinter:
    """Prints the text of a turn's only branch while it grows, or else the answer at the end."""

    def __init__(self, plan: Plan, clear_status: Callable[[], None] | None = None) -> None:
        """Create the printer of one turn under `plan`.

        `clear_status` removes the status line that may be on the same terminal.
        """
        self._plan = plan
        self._clear_status = clear_status
        self._single = plan.samples == 1
        self._live = is_terminal(sys.stdout)
        self._shares_file = self._live or share_file(sys.stdout, sys.stderr)
        self._buffer = EscapeBuffer(sanitize=self._live)
        self._written = ""
        """The text of the running branch that is on standard output."""
        self._line_open = False

    @property
    def holds_line(self) -> bool:
        """Whether an unfinished line of the answer is where a line of progress may follow.

        That is a terminal, or the file of both standard streams.
        """
        return self._line_open and self._shares_file

    def print_event(self, event: Event) -> None:
        """Print the part of the answer that the event brings, if any."""
        match event:
            case GateDecided(open=False):
                self._single = True
            case Retrieved(hits=()) if self._plan.question_gate == "auto":
                self._single = True
            case HitsJudged(judgements=judged) if self._plan.question_gate == "auto":
                self._single |= not any(each.kept for each in judged)
            case TokenChunk(branch=0, part="answer", text=text) if self._single:
                self._write(self._buffer.add_text(text))
            case BranchFinished() if self._line_open and event.branch.index == 0:
                self._write(self._buffer.take_rest())
                if self._shares_file:
                    self.end_line()
            case Answered(answer=answer):
                self._finish(answer.text or answer.result or "")
            case Failed():
                self.end_line()
            case _:
                pass

    def end_line(self) -> None:
        """End the line of the answer, if it is unfinished."""
        if self._line_open:
            click.echo()
            self._line_open = False

    def _write(self, text: str) -> None:
        """Write a piece of the branch's text, without the white space around the whole text."""
        if not self._written:
            text = text.lstrip()
        if text:
            if self._clear_status:
                self._clear_status()
            click.echo(text, nl=False, color=True)  # True = escape codes stay
            self._written += text
            self._line_open = True

    def _finish(self, answer: str) -> None:
        """Complete the answer on standard output; another text than the written one follows it."""
        text = sanitize_text(answer) if self._live else answer
        if self._written and text.startswith(self._written):
            if rest := text[len(self._written) :]:
                click.echo(rest, nl=False, color=True)
                self._line_open = True
            self.end_line()
        elif not self._written or text != self._written.rstrip():
            self.end_line()
            print_text(answer)
        else:
            self.end_line()

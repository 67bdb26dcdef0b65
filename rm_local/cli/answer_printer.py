"""Prints the answer of a turn on standard output, as it is written if only one branch is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from rm_local.cli.context import clean_if_stdout_is_terminal, print_text_safely
from rm_local.cli.escape_buffer import SanitizingEscapeBuffer
from rm_local.cli.streams import are_streams_same_file
from rm_local.cli.terminal import is_terminal
from rm_local.engine import TokenChunk
from rm_local.loop import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    GateDecided,
    HitsJudged,
    Plan,
    Retrieved,
)

ABANDONED = "(This text is dropped. The answer of another branch follows.)"


class AnswerPrinter:
    """Prints the text of a turn's only branch while it grows, or else the answer at the end.

    A branch under a hint may turn out to be useless; then another one without a hint follows. On a
    terminal its text is followed by a line that says so. Elsewhere it is printed only when it is
    the answer, so that a program reads nothing else.
    """

    def __init__(self, plan: Plan, clear_status: Callable[[], None] | None = None) -> None:
        """Create the printer of one turn under `plan`.

        `clear_status` removes the status line that may be on the same terminal.
        """
        self._plan = plan
        self._clear_status = clear_status
        self._single = plan.samples == 1
        self._live = is_terminal(sys.stdout)
        self._shares_file = self._live or are_streams_same_file(sys.stdout, sys.stderr)
        self._buffer = SanitizingEscapeBuffer(sanitize=self._live)
        self._written = ""
        """The text of the running branch that is on standard output."""
        self._line_open = False
        self._branch, self._held = 0, False

    @property
    def has_open_line_shared_with_progress(self) -> bool:
        """Whether an unfinished line of the answer is where a line of progress may follow.

        That is a terminal, or the file of both standard streams.
        """
        return self._line_open and self._shares_file

    def print_answer_part(self, event: Event) -> None:
        """Print the part of the answer that the event brings, if any."""
        match event:
            case GateDecided(open=False):
                self._single = True
            case Retrieved(hits=()) if self._plan.question_gate == "auto":
                self._single = True
            case HitsJudged(judgements=judged) if self._plan.question_gate == "auto":
                self._single |= not any(each.kept for each in judged)
            case BranchStarted(branch=index, hint=hint) if self._single:
                self._abandon_previous_and_begin_branch(index)
                self._held = hint is not None and not self._live
            case TokenChunk(branch=self._branch, part="answer", text=text) if (
                self._streams_branch_text
            ):
                self._clear_status_and_write(self._buffer.add_and_take_printable(text))
            case BranchFinished() if self._line_open and event.branch.index == self._branch:
                self._clear_status_and_write(self._buffer.take_rest())
                if self._shares_file:
                    self.end_line()
            case Answered(answer=answer):
                self._print_rest_or_whole_answer(answer.text or answer.result or "")
            case Failed():
                self.end_line()
            case _:
                pass

    @property
    def _streams_branch_text(self) -> bool:
        """Whether the text of the running branch is printed while it grows."""
        return self._single and not self._held

    def _abandon_previous_and_begin_branch(self, index: int) -> None:
        """Begin the text of the turn's only branch.

        If text of an earlier one was printed, complete it, and print a line that says that it is
        dropped.
        """
        self._branch = index
        if self._written:
            self._clear_status_and_write(self._buffer.take_rest())
            self.end_line()
            click.echo(ABANDONED)
        self._buffer, self._written = SanitizingEscapeBuffer(sanitize=self._live), ""

    def end_line(self) -> None:
        """End the line of the answer, if it is unfinished."""
        if self._line_open:
            click.echo()
            self._line_open = False

    def _clear_status_and_write(self, text: str) -> None:
        """Write a piece of the branch's text, without the white space around the whole text."""
        if not self._written:
            text = text.lstrip()
        if text:
            if self._clear_status:
                self._clear_status()
            click.echo(text, nl=False, color=True)  # True = escape codes stay
            self._written += text
            self._line_open = True

    def _print_rest_or_whole_answer(self, answer: str) -> None:
        """End the written text, and print what is missing of the answer on standard output.

        That is its rest if it begins with the written text, nothing if it is the same, and else all
        of it.
        """
        text = clean_if_stdout_is_terminal(answer)
        if self._written and text.startswith(self._written):
            if rest := text[len(self._written) :]:
                click.echo(rest, nl=False, color=True)
                self._line_open = True
            self.end_line()
        elif not self._written or text != self._written.rstrip():
            self.end_line()
            print_text_safely(answer)
        else:
            self.end_line()

"""Prints the steps of a turn on standard error while it runs; the answer is not printed here."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from rm_local.attachment import describe_line_and_character_count
from rm_local.cli.render import (
    describe_prefill,
    format_share_bar,
    unstyle_and_cut_to_terminal_width,
)
from rm_local.cli.terminal import can_redraw_lines
from rm_local.cli.turn_text import (
    describe_branch,
    describe_judgements,
    describe_vote,
    format_phase_line,
)
from rm_local.engine import ContextOverflowReport, ContextUsage, TokenChunk
from rm_local.loop import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    GateDecided,
    HintCutOrLeftOut,
    HitsJudged,
    ModelLoading,
    Notice,
    Prefilled,
    Prefilling,
    Retrieved,
    RunEvent,
    apply_event,
    compute_max_seconds_left,
    create_initial_turn_state,
)
from rm_local.records import Hit
from rm_local.text import one_line
from rm_local.units import format_duration

if TYPE_CHECKING:
    from rm_local.cli.answer_printer import AnswerPrinter
    from rm_local.loop import Plan
    from rm_local.runtime import Runtime
    from rm_local.sessions import Session

REDRAW = 0.1
"""Minimum time between two drawings of the status line, in seconds."""


class TurnProgressPrinter:
    """Prints a line for each completed step of a turn; a status line shows the running step."""

    def __init__(self, runtime: Runtime, session: Session, after: int, plan: Plan) -> None:
        """Create the printer of the session's next turn; it continues turn `after`, 0 = none."""
        self.live = can_redraw_lines(sys.stderr)
        self._runtime = runtime
        self._session = session
        self._after = after
        self._plan = plan
        self._began: float | None = None
        """Time of the first event of the turn itself; None before it."""
        self._turn = create_initial_turn_state("", 0.0)
        self._shown = False
        self._due = 0.0
        self._placed = False
        self._load_began, self._load_share = 0.0, 1.0
        self._context = ""
        self.answer: AnswerPrinter | None = None
        """Prints the answer, possibly on the same terminal while it is written."""

    def print_attachment_size(self, text: str) -> None:
        """Print a line about the text that is attached to the question."""
        size = describe_line_and_character_count(text)
        self.print_line(format_phase_line("Attached", f"{size} from standard input"))

    def __enter__(self) -> TurnProgressPrinter:
        """Begin a turn, whose status line is removed when the `with` body ends, however it ends."""
        return self

    def __exit__(self, *_: object) -> None:
        self.clear_status()

    def apply_event_and_print_progress(self, event: Event) -> None:
        """Apply the event to the turn; print a line for a completed step, or draw the running one.

        The running step is drawn in the status line. The answer's text is not printed here.
        """
        self._turn = apply_event(self._turn, event, time.monotonic())
        if not isinstance(event, RunEvent):
            self._began = self._began or time.monotonic()
            self._print_session_lines_once()
        match event:
            case ModelLoading(share=share):
                self._draw_status_if_due(
                    format_phase_line("Model", self._track_and_describe_loading(share))
                )
            case Notice():
                self.clear_status()
            case Prefilling(share=share, left=left):
                text = f"{share:.0%} of the question, {left:.0f} s left"
                self._draw_status_if_due(format_phase_line("Read", text))
            case Formulating():
                self._draw_status_if_due(
                    format_phase_line("Formulate", one_line(self._turn.subproblem))
                )
            case Formulated(subproblem=subproblem, seconds=seconds, author=author):
                by = "  (the question is used)" if author == "question" else ""
                self.print_line(
                    format_phase_line("Formulate", f"{one_line(subproblem)}{by}", seconds)
                )
            case GateDecided(open=False):
                self.print_line(format_phase_line("Memory", self._turn.hits_summary, event.seconds))
            case Retrieved(hits=hits, seconds=seconds):
                self._print_memory_summary_and_hits(hits, seconds)
            case HitsJudged(judgements=judgements):
                text = describe_judgements(judgements)
                self.print_line(format_phase_line("Judge", text, event.seconds))
            case HintCutOrLeftOut(message=message):
                self.print_line(format_phase_line("Hint", one_line(message)))
            case BranchStarted() | TokenChunk():
                self._draw_status_if_due(self._format_reasoning_line())
            case Prefilled(reading=reading):
                self.print_line(format_phase_line("Read", describe_prefill(reading)))
            case BranchFinished(branch):
                self.print_line(format_phase_line("Reason", describe_branch(branch)))
            case ContextUsage(used=used, context=size):
                self._context = f"{used:,} of {size:,}"
            case ContextOverflowReport(message=message):
                self.print_line(format_phase_line("Context", one_line(message)))
            case Answered(answer):
                if self._context:
                    self.print_line(format_phase_line("Context", f"{self._context} tokens"))
                self.print_line(format_phase_line("Answer", describe_vote(answer), answer.seconds))
            case Failed():
                self.clear_status()

    def print_line(self, text: str) -> None:
        """Remove the status line, and print a line that stays."""
        self.clear_status()
        if self.answer and self.answer.has_open_line_shared_with_progress:
            self.answer.end_line()
        click.echo(text, err=True)

    def clear_status(self) -> None:
        """Remove the status line from the terminal, if it is shown."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._shown = False

    def _print_session_lines_once(self) -> None:
        """Print once the id of the session, the number of the turn and the one that it continues.

        Facts about the model follow: its adapters, and that it ignores earlier turns.
        """
        if self._placed or self._session.path is None:
            return
        self._placed = True
        follows = f", after turn {self._after}" if self._after else ""
        name = one_line(self._session.path.stem)
        self.print_line(
            format_phase_line("Session", f"{name}, turn {self._session.last_turn_number}{follows}")
        )
        info = self._runtime.info
        if info is not None and info.lora:
            self.print_line(format_phase_line("Model", one_line(info.title_with_adapters)))
        if self._after and info is not None and not info.converses:
            note = "supports only single questions; the earlier turns are not read"
            self.print_line(format_phase_line("Model", note))

    def _draw_status_if_due(self, text: str) -> None:
        """Draw `text` as the status line of a terminal, at most every `REDRAW` seconds."""
        moment = time.monotonic()
        if (
            not self.live
            or moment < self._due
            or (self.answer and self.answer.has_open_line_shared_with_progress)
        ):
            return
        self._due = moment + REDRAW
        self._shown = True  # before a signal can interrupt the drawing
        click.echo(f"\r\x1b[K{unstyle_and_cut_to_terminal_width(text)}", nl=False, err=True)

    def _track_and_describe_loading(self, share: float) -> str:
        """Describe the completed share of making or loading the model, and the time left.

        The share is remembered; one smaller than the last begins a new step, with a new clock.
        """
        now = time.monotonic()
        if share < self._load_share:  # the first share, or that of the next step
            self._load_began = now
        self._load_share = share
        left = (now - self._load_began) / share * (1 - share) if share else 0.0
        rest = f", {format_duration(left)} left" if left >= 1 else ""
        return f"loading, {share:.0%}{rest}"

    def _print_memory_summary_and_hits(self, hits: tuple[Hit, ...], seconds: float) -> None:
        """Print the number of hits and the time of the search, and a line for each hit."""
        self.print_line(format_phase_line("Memory", self._turn.hits_summary, seconds))
        for hit in hits:
            title = one_line(hit.entry.subproblem)
            source = one_line(": ".join(filter(None, (hit.store, hit.entry.source))))
            self.print_line(
                f"  {format_share_bar(hit.similarity)} {hit.similarity:.2f}  {title}  [{source}]"
            )

    def _format_reasoning_line(self) -> str:
        """Describe the generation: branches done, tokens, total speed, longest time left."""
        turn = self._turn
        seconds = time.monotonic() - turn.began
        speed = f"{turn.tokens / seconds:.0f} tokens/s" if seconds > 0 else ""
        done = f"{turn.ended_branch_count} of {len(turn.branches)} branches done"
        parts = [done, f"{turn.tokens} tokens", speed]
        now = time.monotonic()
        left = compute_max_seconds_left(turn, self._plan, now, self._began or now)
        if left is not None:
            parts.append(f"the running ones end within {format_duration(left)}")
        return format_phase_line("Reason", ", ".join(part for part in parts if part))

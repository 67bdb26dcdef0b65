"""A turn told on standard error, phase by phase, while standard output holds only the answer."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING

import click

from rm_local.cli.render import bar, read
from rm_local.engine.branches import ContextAdjusted, ContextUsage, TokenChunk
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    HintCut,
    Prefilled,
    Prefilling,
    Retrieved,
)
from rm_local.records import Answer, Branch, Hit
from rm_local.text import one_line

if TYPE_CHECKING:
    from rm_local.runtime import Runtime

REDRAW = 0.1
"""Seconds between two drawings of the progress line."""
STOPS = {
    "end": "",
    "length": "its budget is used up",
    "context": "the context is full",
    "cancelled": "stopped",
    "outvoted": "not needed, the vote was settled",
}


class Narrator:
    """Tells each event once; on a terminal, one more line shows what runs now."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self._shown = False
        self._due = 0.0
        self._since = 0.0
        self._subproblem = ""
        self._tokens: dict[int, int] = {}
        self._hints: dict[int, Hit | None] = {}
        self._finished = 0
        self._placed = False
        self._filled = ""

    def loading(self, share: float) -> None:
        """How much of the model is loaded, 0 to 1."""
        self._now(_head("Model", f"loading, {share:.0%}"))

    def place(self, runtime: Runtime, after: int) -> None:
        """Where the turn is saved and what it follows, once."""
        if self._placed or runtime.session is None:
            return
        self._placed = True
        told = f"{one_line(runtime.session.stem)}, turn {runtime.turn}"
        self.line(_head("Session", f"{told}, after turn {after}" if after else told))
        if after and runtime.info is not None and not runtime.info.converses:
            self.line(_head("Model", "takes single questions; the earlier turns are not read"))

    def tell(self, event: Event) -> None:
        """Draw or write what the event says."""
        match event:
            case Prefilling(share=share, left=left):
                self._now(_head("Read", f"{share:.0%} of the question, {left:.0f} s left"))
            case Formulating(text):
                self._subproblem += text
                self._now(_head("Formulate", one_line(self._subproblem)))
            case Formulated(subproblem=subproblem, seconds=seconds):
                self.line(_head("Formulate", one_line(subproblem), seconds))
            case Retrieved(hits=hits, seconds=seconds):
                self._retrieved(hits, seconds)
            case HintCut(message=message):
                self.line(_head("Hint", one_line(message)))
            case BranchStarted(branch=index, hint=hint):
                self._started(index, hint)
            case Prefilled(reading=reading):
                self.line(_head("Read", read(reading)))
            case TokenChunk(branch=index, tokens=tokens):
                self._tokens[index] = tokens
                self._now(self._reasoning())
            case BranchFinished(branch):
                self._ended(branch)
            case ContextUsage(used=used, context=size):
                self._filled = f"{used:,} of {size:,}"
            case ContextAdjusted(message=message):
                self.line(_head("Context", one_line(message)))
            case Answered(answer):
                if self._filled:
                    self.line(_head("Context", f"{self._filled} tokens"))
                self.line(_head("Answer", _carried(answer), answer.seconds))
            case Failed():
                self.wipe()

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self.wipe()
        click.echo(text, err=True)

    def wipe(self) -> None:
        """Take the line of what runs now off the terminal."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._shown = False

    def _now(self, text: str) -> None:
        """Show what runs now, not more often than the eye can use."""
        moment = time.monotonic()
        if not self.live or moment < self._due:
            return
        self._due = moment + REDRAW
        room = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[K{click.unstyle(text)[:room]}", nl=False, err=True)
        self._shown = True

    def _retrieved(self, hits: tuple[Hit, ...], seconds: float) -> None:
        number = "1 hit" if len(hits) == 1 else f"{len(hits) or 'no'} hits"
        self.line(_head("Retrieve", number, seconds))
        for hit in hits:
            title, source = one_line(hit.entry.subproblem), one_line(hit.entry.source)
            self.line(f"  {bar(hit.similarity)} {hit.similarity:.2f}  {title}  [{source}]")

    def _started(self, branch: int, hint: Hit | None) -> None:
        if not self._hints:
            self._since = time.monotonic()
        self._hints[branch], self._tokens[branch] = hint, 0
        self._now(self._reasoning())

    def _reasoning(self) -> str:
        """Branches that are done, tokens of all, and their speed together."""
        tokens, seconds = sum(self._tokens.values()), time.monotonic() - self._since
        speed = f"{tokens / seconds:.0f} tokens/s" if seconds > 0 else ""
        done = f"{self._finished} of {len(self._hints)} branches done"
        return _head("Reason", f"{done}, {tokens} tokens, {speed}")

    def _ended(self, branch: Branch) -> None:
        self._finished += 1
        self._tokens[branch.index] = branch.tokens
        hint = f"under entry {branch.hint.entry.id}" if branch.hint else "under no hint"
        speed = f"{branch.tokens / branch.seconds:.0f} tokens/s" if branch.seconds > 0 else ""
        parts = [
            "no answer" if branch.result is None else one_line(branch.result, 60),
            f"{branch.tokens} tokens",
            speed,
            STOPS[branch.stop],
        ]
        told = ", ".join(part for part in parts if part)
        self.line(_head("Reason", f"branch {branch.index + 1} {hint}: {told}"))


def _head(phase: str, text: str, seconds: float | None = None) -> str:
    took = "" if seconds is None else click.style(f"  {seconds:.2f} s", dim=True)
    return f"{click.style(f'{phase:<9}', bold=True)} {text}{took}"


def _carried(answer: Answer) -> str:
    """Who agreed, under which entries, and what it cost."""
    branches = "1 branch" if answer.branches == 1 else f"{answer.branches} branches"
    under = "entry" if len(answer.hints) == 1 else "entries"
    hints = f", under {under} {', '.join(map(str, answer.hints))}" if answer.hints else ""
    return f"{answer.agreed} of {branches} agreed{hints}, {answer.tokens} tokens"

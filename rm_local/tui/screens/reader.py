"""The screen for the full text of an entry or a branch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer

from rm_local.loop import Span, TurnBranch
from rm_local.records import Hit
from rm_local.tui import formatting, keys
from rm_local.tui.widgets.text_line import TextLine
from rm_local.tui.widgets.too_small import TooSmall

REDRAWS = 4
"""Redraws per second of the text, which may still grow."""


class Reader(ModalScreen[None]):
    """Dialog that shows the text returned by `source`, which is called again at intervals."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.READER]

    def __init__(self, title: str, source: Callable[[], Content]) -> None:
        super().__init__()
        self._title = title
        self._source = source

    def compose(self) -> ComposeResult:
        """Lay out a scrollable frame."""
        yield TooSmall()
        with Vertical(classes="dialog"), VerticalScroll(id="reader-scroll"):
            yield TextLine(id="reader-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Draw the text, then redraw it at intervals."""
        self.query_one(".dialog").border_title = Content(formatting.one_line(self._title))
        self._draw_text()
        self.set_interval(1 / REDRAWS, self._draw_text)

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.app.copy_to_clipboard(self._source().plain)
        self.notify("Copied.", timeout=2)

    def _draw_text(self) -> None:
        self.query_one("#reader-text", TextLine).set_content(self._source())


def format_entry(hit: Hit) -> Content:
    """Format the whole entry of a hit: subproblem, subroutine, similarity, origin and id."""
    facts = [f"similarity {hit.similarity:.2f}, higher is nearer"]
    if hit.lexical:
        facts.append(f"{hit.lexical:.0%} of the rare words".replace("%", " %"))
    if origin := formatting.format_store_domain_and_source(hit):
        facts.append(origin)
    if hit.entry.id:
        facts.append(f"entry {hit.entry.id:,}")
    return Content.assemble(
        ("Subproblem\n", "bold $phase-formulate"),
        formatting.sanitize_to_content(hit.entry.subproblem),
        ("\n\nSubroutine\n", "bold $phase-retrieve"),
        formatting.sanitize_to_content(hit.entry.subroutine),
        ("\n\n" + " · ".join(facts), "$foreground 60%"),
    )


def format_branch(branch: TurnBranch) -> Content:
    """Format the whole thinking and answer of a branch, or a placeholder without either."""
    parts: list[Content | tuple[str, str]] = []
    if branch.thinking.strip():
        parts += [
            ("Thinking\n", "bold $phase-reason"),
            formatting.sanitize_and_dim_spans(
                *_strip_and_shift_spans(branch.thinking, branch.thinking_forced),
                style="$foreground 60%",
            ),
        ]
    if branch.text.strip():
        parts += [
            ("\n\nAnswer\n" if parts else "Answer\n", "bold $phase-answer"),
            formatting.sanitize_and_dim_spans(
                *_strip_and_shift_spans(branch.text, branch.text_forced)
            ),
        ]
    return Content.assemble(*parts) if parts else Content("Nothing yet.")


def _strip_and_shift_spans(text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """Strip surrounding whitespace; return the text and the spans shifted to match."""
    blanks = len(text) - len(text.lstrip())
    return text.strip(), [(start - blanks, end - blanks) for start, end in spans]

"""Something to read in full: an entry of the store, or all that a branch has written."""

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
from rm_local.tui.widgets.text_line import Line
from rm_local.tui.widgets.too_small import TooSmall

REDRAWS = 4
"""Times a second that a text which still grows is drawn again."""


class Reader(ModalScreen[None]):
    """Shows what `source` gives, and again as it grows."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.READER]

    def __init__(self, title: str, source: Callable[[], Content]) -> None:
        super().__init__()
        self._title = title
        self._source = source

    def compose(self) -> ComposeResult:
        """A frame that scrolls."""
        yield TooSmall()
        with Vertical(classes="dialog"), VerticalScroll(id="reader-scroll"):
            yield Line(id="reader-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Draw now, and keep up with a text that grows."""
        self.query_one(".dialog").border_title = Content(formatting.one_line(self._title))
        self._draw()
        self.set_interval(1 / REDRAWS, self._draw)

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.app.copy_to_clipboard(self._source().plain)
        self.notify("Copied.", timeout=2)

    def _draw(self) -> None:
        self.query_one("#reader-text", Line).put(self._source())


def entry(hit: Hit) -> Content:
    """All of an entry, and how near it is."""
    facts = [f"similarity {hit.similarity:.2f}, higher is nearer"]
    if hit.lexical:
        facts.append(f"{hit.lexical:.0%} of the rare words".replace("%", " %"))
    if origin := formatting.origin(hit):
        facts.append(origin)
    if hit.entry.id:
        facts.append(f"entry {hit.entry.id:,}")
    return Content.assemble(
        ("Subproblem\n", "bold $phase-formulate"),
        formatting.plain(hit.entry.subproblem),
        ("\n\nSubroutine\n", "bold $phase-retrieve"),
        formatting.plain(hit.entry.subroutine),
        ("\n\n" + " · ".join(facts), "$foreground 60%"),
    )


def branch(view: TurnBranch) -> Content:
    """All that a branch has written."""
    parts: list[Content | tuple[str, str]] = []
    if view.thinking.strip():
        parts += [
            ("Thinking\n", "bold $phase-reason"),
            formatting.dim_spans(
                *_strip(view.thinking, view.thinking_forced), style="$foreground 60%"
            ),
        ]
    if view.text.strip():
        parts += [
            ("\n\nAnswer\n" if parts else "Answer\n", "bold $phase-answer"),
            formatting.dim_spans(*_strip(view.text, view.text_forced)),
        ]
    return Content.assemble(*parts) if parts else Content("Nothing yet.")


def _strip(text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """The text without blanks around it, and the spans as they are in it."""
    blanks = len(text) - len(text.lstrip())
    return text.strip(), [(start - blanks, end - blanks) for start, end in spans]

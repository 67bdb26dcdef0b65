"""A text that is drawn again only when it has changed, and the head line of a phase."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from rm_local.tui import formatting
from rm_local.tui.turn_view import Phase

ASLEEP = ("waiting", "halted", "skipped")
MARKS = {"waiting": "○", "running": "◉", "done": "●", "skipped": "–", "halted": "○"}


class Line(Static):
    """Plain text: nothing in it is read as markup."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self._shown = Content("")

    def put(self, content: Content | str) -> None:
        """Show `content`, if it is not shown already."""
        content = Content(content) if isinstance(content, str) else content
        if not content.is_same(self._shown):
            self._shown = content
            self.update(content)


def head(name: str, colour: str, phase: Phase, about: Content | str = "") -> Content:
    """`● Formulate   0.4 s  ABOUT`, in the phase's colour; dim while it waits."""
    style = f"{colour} 45%" if phase.state in ASLEEP else f"bold {colour}"
    return Content.assemble(
        (f"{MARKS[phase.state]} {name:<10}", style),
        (f"{formatting.seconds(phase.seconds):>8}", "$foreground 60%"),
        "  ",
        about,
    )

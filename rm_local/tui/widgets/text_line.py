"""A widget for plain text, and the format of the head line of a phase."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from rm_local.tui import formatting
from rm_local.tui.turn_view import Phase

ASLEEP = ("waiting", "halted", "skipped")
MARKS = {"waiting": "○", "running": "◉", "done": "●", "skipped": "–", "halted": "○"}


class TextLine(Static):
    """Widget for plain text, redrawn only after a change; markup is shown literally."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self._shown = Content("")

    def set_content(self, content: Content | str) -> None:
        """Show `content`, unless it is already shown."""
        content = Content(content) if isinstance(content, str) else content
        if not content.is_same(self._shown):
            self._shown = content
            self.update(content)


def format_phase_head(name: str, color: str, phase: Phase, about: Content | str = "") -> Content:
    """Format the head line of a phase: `● Formulate   0.4 s  ABOUT`.

    It is dim if the phase waits, was skipped, or was not reached before a stop.
    """
    style = f"{color} 45%" if phase.state in ASLEEP else f"bold {color}"
    return Content.assemble(
        (f"{MARKS[phase.state]} {name:<10}", style),
        (f"{formatting.format_seconds(phase.seconds):>8}", "$foreground 60%"),
        "  ",
        about,
    )

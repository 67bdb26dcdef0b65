"""What the app does and which keys it knows."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer

from rm_local.tui.phases import describe_phases
from rm_local.tui.widgets.text_line import Line
from rm_local.tui.widgets.too_small import TooSmall

KEYS = (
    (
        "Asking",
        (
            ("Enter", "ask; a question follows the turn on screen"),
            ("Shift+Enter, Ctrl+J", "new line in the question"),
            ("Esc", "stop; what there is, is kept"),
            ("F2", "edit the subproblem, reason again"),
            ("F3", "reason again, with pins and drops: a fork"),
            ("F4", "copy the answer"),
            ("F5", "edit the question in its place: a fork"),
            ("F8", "thinking or not, from the next question on"),
            ("F9", "how much to think, where the model can be told"),
        ),
    ),
    (
        "On a hit",
        (
            ("Enter", "read the whole entry"),
            ("p", "pin it for the next time, or not"),
            ("d", "drop it for the next time, or not"),
        ),
    ),
    (
        "On a branch or an old turn",
        (
            ("Enter", "read all of it"),
            ("b", "go back to the old turn, to ask on from it"),
            ("Up, Down, PgUp, PgDn", "scroll"),
        ),
    ),
    (
        "Everywhere",
        (
            ("Tab, Shift+Tab", "next part, part before"),
            ("Ctrl+T", "show or hide the thinking"),
            ("Ctrl+O", "saved sessions; g goes on with one"),
            ("Ctrl+N", "new session, which follows nothing"),
            ("Ctrl+P", "all commands, colours"),
            ("F1", "this help"),
            ("Ctrl+Q", "quit"),
        ),
    ),
)


def keys() -> Content:
    """All keys, by place."""
    blocks = []
    for place, rows in KEYS:
        block = [Content.styled(place, "bold $primary")]
        block += [
            Content.assemble((f"  {key:<21}", "$foreground"), (does, "$foreground 60%"))
            for key, does in rows
        ]
        blocks.append(Content("\n").join(block))
    return Content("\n\n").join(blocks)


class Help(ModalScreen[None]):
    """F1."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,f1,q", "dismiss", "Close", id="help.close", tooltip="Back", key_display="Esc"
        ),
    ]

    def compose(self) -> ComposeResult:
        """A frame that scrolls."""
        yield TooSmall()
        with Vertical(classes="dialog"), VerticalScroll(id="help-scroll"):
            yield Line(id="help-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one(".dialog").border_title = "Help"
        self.query_one("#help-text", Line).put(Content("\n\n").join([describe_phases(), keys()]))

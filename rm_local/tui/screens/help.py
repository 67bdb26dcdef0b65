"""The help screen: the phases of a turn, and the keys."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer

from rm_local.tui import keys
from rm_local.tui.phases import describe_phases
from rm_local.tui.widgets.text_line import TextLine
from rm_local.tui.widgets.too_small import TooSmall


def describe_keys() -> Content:
    """Return the keys of `keys.SECTIONS`, a block for each section with a line for each purpose."""
    blocks = []
    for place, bindings in keys.SECTIONS:
        block = [Content.styled(place, "bold $primary")]
        block += [
            Content.assemble((f"  {names:<21}", "$foreground"), (does, "$foreground 60%"))
            for names, does in keys.build_help_rows(bindings)
        ]
        blocks.append(Content("\n").join(block))
    return Content("\n\n").join(blocks)


class Help(ModalScreen[None]):
    """Screen that shows the phases of a turn and the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.HELP]

    def compose(self) -> ComposeResult:
        """Lay out a scrollable frame."""
        yield TooSmall()
        with Vertical(classes="dialog"), VerticalScroll(id="help-scroll"):
            yield TextLine(id="help-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Set the title, and the text: the phases, then the keys."""
        self.query_one(".dialog").border_title = "Help"
        self.query_one("#help-text", TextLine).set_content(
            Content("\n\n").join([describe_phases(), describe_keys()])
        )

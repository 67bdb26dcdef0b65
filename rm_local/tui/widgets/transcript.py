"""The widget of all turns: past turns compact at the top, the current turn below."""

from __future__ import annotations

from collections.abc import Collection

from textual.app import ComposeResult
from textual.containers import Center, Vertical, VerticalScroll
from textual.content import Content

from rm_local.loop import Turn
from rm_local.tui.chat_state import HitMarks
from rm_local.tui.phases import describe_phases
from rm_local.tui.widgets.past_turn import PastTurn
from rm_local.tui.widgets.text_line import TextLine
from rm_local.tui.widgets.turn_panel import TurnPanel


class Transcript(VerticalScroll, can_focus=False):
    """Widget of all turns; the current turn has a fixed height, so that no past turn moves."""

    def compose(self) -> ComposeResult:
        """Lay out the welcome text, and the current turn, hidden until the first question."""
        with Center(id="welcome"), Vertical(id="welcome-box"):
            yield TextLine(id="welcome-title")
            yield TextLine(id="welcome-text")
            yield TextLine(id="welcome-note")
        yield TurnPanel(id="turn")

    def on_mount(self) -> None:
        """Show the welcome text until the first question."""
        title = Content.styled("Ask a hard question. Everything stays on this machine.", "bold")
        self.query_one("#welcome-title", TextLine).set_content(title)
        self.query_one("#welcome-text", TextLine).set_content(describe_phases())
        self.query_one("#turn").display = False

    def show_turn(self, turn: Turn, marks: HitMarks, now: float) -> None:
        """Draw the current turn."""
        self.query_one("#welcome").display = False
        panel = self.query_one("#turn", TurnPanel)
        panel.display = True
        panel.show_turn(turn, marks, now)

    def show_note(self, content: Content) -> None:
        """Show a note below the welcome text."""
        self.query_one("#welcome-note", TextLine).set_content(content)

    def add_past_turns(self, *views: Turn) -> None:
        """Insert past turns above the current turn, in the order of their numbers.

        The scroll position is kept if the user has scrolled up.
        """
        following = self.max_scroll_y - self.scroll_y <= 1
        for turn in views:
            later = (past for past in self.query(PastTurn) if past.turn.number > turn.number)
            self.mount(PastTurn(turn), before=next(later, self.query_one("#turn")))
        if following:
            self.call_after_refresh(self.scroll_end, animate=False)

    def remove_past_turn(self, turn: Turn) -> None:
        """Remove a past turn that has become the current turn."""
        for past in self.query(PastTurn):
            if past.turn is turn:
                past.remove()
        self.call_after_refresh(self.scroll_end, animate=False)

    def dim_other_forks(self, ancestors: Collection[int]) -> None:
        """Dim the turns that are not ancestors of the current turn."""
        for past in self.query(PastTurn):
            past.set_class(past.turn.number not in ancestors, "-aside")

    def clear_turns(self) -> None:
        """Remove all turns and show the welcome text."""
        self.query(PastTurn).remove()
        self.query_one("#turn").display = False
        self.query_one("#welcome").display = True

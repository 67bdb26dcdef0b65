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
        """Lay out the welcome text and the panel of the current turn."""
        with Center(id="welcome"), Vertical(id="welcome-box"):
            yield TextLine(id="welcome-title")
            yield TextLine(id="welcome-text")
            yield TextLine(id="welcome-note")
        yield TurnPanel(id="turn")

    def on_mount(self) -> None:
        """Fill in the welcome text; hide the panel of the current turn until the first question."""
        title = Content.styled("Ask a hard question. Everything stays on this machine.", "bold")
        self.query_one("#welcome-title", TextLine).set_content(title)
        self.query_one("#welcome-text", TextLine).set_content(describe_phases())
        self.query_one("#turn").display = False

    def show_turn(self, turn: Turn, marks: HitMarks, now: float) -> None:
        """Draw `turn` in the panel of the current turn, instead of the welcome text."""
        self.query_one("#welcome").display = False
        panel = self.query_one("#turn", TurnPanel)
        panel.display = True
        panel.show_turn(turn, marks, now)

    def set_welcome_note(self, content: Content) -> None:
        """Set the note below the welcome text; empty content removes it."""
        self.query_one("#welcome-note", TextLine).set_content(content)

    def add_past_turns(self, *turns: Turn) -> None:
        """Insert past turns above the current turn, in the order of their numbers.

        The scroll position is kept if the user has scrolled up.
        """
        following = self.max_scroll_y - self.scroll_y <= 1
        for turn in turns:
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

    def dim_other_forks(self, lineage: Collection[int]) -> None:
        """Dim the past turns whose numbers are not in `lineage`, that of the current turn."""
        for past in self.query(PastTurn):
            past.set_class(past.turn.number not in lineage, "-aside")

    def clear_turns_and_show_welcome(self) -> None:
        """Remove all turns and show the welcome text."""
        self.query(PastTurn).remove()
        self.query_one("#turn").display = False
        self.query_one("#welcome").display = True

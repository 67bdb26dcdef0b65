"""The turns, old ones above and compact, the current one filling the window."""

from __future__ import annotations

from collections.abc import Collection

from textual.app import ComposeResult
from textual.containers import Center, Vertical, VerticalScroll
from textual.content import Content

from rm_local.loop import Turn
from rm_local.tui.chat_state import HitMarks
from rm_local.tui.phases import describe_phases
from rm_local.tui.widgets.past_turn import PastTurn
from rm_local.tui.widgets.text_line import Line
from rm_local.tui.widgets.turn_panel import TurnPanel


class Transcript(VerticalScroll, can_focus=False):
    """The current turn has a fixed height, so nothing moves while the user reads above it."""

    def compose(self) -> ComposeResult:
        """The welcome, and the current turn in its stead once there is one."""
        with Center(id="welcome"), Vertical(id="welcome-box"):
            yield Line(id="welcome-title")
            yield Line(id="welcome-text")
            yield Line(id="welcome-note")
        yield TurnPanel(id="turn")

    def on_mount(self) -> None:
        """Nothing has been asked yet."""
        title = Content.styled("Ask a hard question. Everything stays on this machine.", "bold")
        self.query_one("#welcome-title", Line).put(title)
        self.query_one("#welcome-text", Line).put(describe_phases())
        self.query_one("#turn").display = False

    def show(self, view: Turn, marks: HitMarks, now: float) -> None:
        """Draw the current turn."""
        self.query_one("#welcome").display = False
        panel = self.query_one("#turn", TurnPanel)
        panel.display = True
        panel.show(view, marks, now)

    def note(self, content: Content) -> None:
        """Something to know before the first question."""
        self.query_one("#welcome-note", Line).put(content)

    def keep(self, *views: Turn) -> None:
        """Put turns that are over above the current one, in the order in which they were asked;
        who reads above stays where they are."""
        following = self.max_scroll_y - self.scroll_y <= 1
        for view in views:
            later = (past for past in self.query(PastTurn) if past.view.number > view.number)
            self.mount(PastTurn(view), before=next(later, self.query_one("#turn")))
        if following:
            self.call_after_refresh(self.scroll_end, animate=False)

    def take_out(self, view: Turn) -> None:
        """An old turn has become the current one."""
        for past in self.query(PastTurn):
            if past.view is view:
                past.remove()
        self.call_after_refresh(self.scroll_end, animate=False)

    def set_apart(self, ancestors: Collection[int]) -> None:
        """Dim the turns that the current one does not come from."""
        for past in self.query(PastTurn):
            past.set_class(past.view.number not in ancestors, "-aside")

    def forget(self) -> None:
        """As new."""
        self.query(PastTurn).remove()
        self.query_one("#turn").display = False
        self.query_one("#welcome").display = True

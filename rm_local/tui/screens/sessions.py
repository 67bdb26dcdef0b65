"""The screen of saved sessions: a list, newest first, and a page to read one session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from rm_local.errors import RmLocalError
from rm_local.tui import formatting, keys
from rm_local.tui.widgets.past_turn import PastTurn
from rm_local.tui.widgets.text_line import TextLine
from rm_local.tui.widgets.too_small import TooSmall
from rm_local.units import format_count

if TYPE_CHECKING:
    from rm_local.loop import Turn
    from rm_local.sessions import SavedSession


class SessionReader(Protocol):
    """The functions of `rm_local.sessions` that the screen calls."""

    def list_sessions(self) -> Sequence[SavedSession]: ...

    def read_session_turns(self, path: Path) -> Sequence[Turn]: ...


class Sessions(ModalScreen[Path | None]):
    """Screen of saved sessions: Enter reads a session, g continues it, Esc goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.SESSIONS]

    def __init__(self, open_reader: Callable[[], SessionReader]) -> None:
        """Take `open_reader`, called at each read, so that its imports are deferred until then."""
        super().__init__()
        self._open_reader = open_reader
        self._saved: Sequence[SavedSession] = ()

    def compose(self) -> ComposeResult:
        """Lay out the list and the page that shows a session."""
        yield TooSmall()
        with Vertical(classes="dialog"):
            yield TextLine(id="sessions-note")
            yield OptionList(id="sessions-list", markup=False, compact=True)
            yield VerticalScroll(id="session")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the list."""
        self.query_one("#session").display = False
        self._set_title("Sessions")
        self._load_and_show_session_list()

    @work(exclusive=True, exit_on_error=False)
    async def _load_and_show_session_list(self) -> None:
        """Read the saved sessions in a thread, and show them in the list, or a note without any."""
        try:
            self._saved = await asyncio.to_thread(lambda: self._open_reader().list_sessions())
        except (RmLocalError, OSError) as error:
            self._show_note(str(error))
            return
        if not self._saved:
            self._show_note("Nothing saved yet. Every session is saved as it happens.")
            return
        options = self.query_one("#sessions-list", OptionList)
        options.set_options([Option(_format_session(saved)) for saved in self._saved])
        options.highlighted = 0
        options.focus()
        self.refresh_bindings()

    @on(OptionList.OptionSelected)
    def _show_chosen_session(self, event: OptionList.OptionSelected) -> None:
        self._load_and_show_session_page(self._saved[event.option_index])

    @work(exclusive=True, exit_on_error=False)
    async def _load_and_show_session_page(self, saved: SavedSession) -> None:
        """Read the turns of a session in a thread, and show them on the page."""
        try:
            turns = await asyncio.to_thread(
                lambda: self._open_reader().read_session_turns(saved.path)
            )
        except (RmLocalError, OSError) as error:
            self._show_note(str(error))
            return
        page = self.query_one("#session", VerticalScroll)
        await page.remove_children()
        await page.mount_all(PastTurn(turn, unfolded=True) for turn in turns)
        self._show_note("" if turns else "There is no turn in this session.")
        self._show_page_or_list(True)
        self._set_title(f"Session of {saved.started:%Y-%m-%d %H:%M}, to read")

    def action_continue_session(self) -> None:
        """Continue the session on the page, or in the list the session under the cursor."""
        at = self.query_one("#sessions-list", OptionList).highlighted
        if at is not None:
            self.dismiss(self._saved[at].path)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable "Go on" only if there is a saved session."""
        if action == "continue_session":
            return bool(self._saved)
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Return from the page to the list, or from the list to the chat."""
        if self.query_one("#session").display:
            self._show_page_or_list(False)
            self._set_title("Sessions")
            self._show_note("")
        else:
            self.dismiss(None)

    def _show_page_or_list(self, shown: bool) -> None:
        page, options = self.query_one("#session"), self.query_one("#sessions-list")
        page.display, options.display = shown, not shown
        (page if shown else options).focus()

    def _show_note(self, text: str) -> None:
        line = self.query_one("#sessions-note", TextLine)
        line.set_content(formatting.one_line(text))
        line.display = bool(text)

    def _set_title(self, title: str) -> None:
        self.query_one(".dialog").border_title = Content(title)


def _format_session(saved: SavedSession) -> Content:
    """Format a session's line in the list: start time, number of turns and first question."""
    turns = format_count(saved.turns, "turn")
    return Content.assemble(
        (f"{saved.started:%Y-%m-%d %H:%M}  ", "$foreground 60%"),
        (f"{turns:<9} ", "$foreground 60%"),
        formatting.shorten_text(formatting.one_line(saved.question) or "nothing asked", 200),
    )

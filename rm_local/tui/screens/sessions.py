"""The saved sessions, newest first, and one of them to read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from rm_local.errors import RmLocalError
from rm_local.tui import format as fmt
from rm_local.tui.turn_view import replayed
from rm_local.tui.widgets.past_turn import PastTurn
from rm_local.tui.widgets.text_line import Line
from rm_local.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from datetime import datetime

    from rm_local.records import Trace


class Saved(Protocol):
    """What the list shows of a session."""

    @property
    def path(self) -> Path: ...

    @property
    def started(self) -> datetime: ...

    @property
    def title(self) -> str: ...

    @property
    def turns(self) -> int: ...


class Shelf(Protocol):
    """What the screen needs of `rm_local.sessions`."""

    def list_sessions(self) -> Sequence[Saved]: ...

    def replay(self, path: Path) -> Sequence[Trace]: ...


class Sessions(ModalScreen[Path | None]):
    """Enter reads a session, g goes on with it; Esc goes back to the list, then to the chat."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back", id="sessions.back", tooltip="Back", key_display="Esc"),
        Binding("g", "go_on", "Go on", id="sessions.go_on", tooltip="Go on with this session"),
    ]

    def __init__(self, shelf: Callable[[], Shelf]) -> None:
        """`shelf` is called when the list is read, so that nothing is imported before."""
        super().__init__()
        self._shelf = shelf
        self._saved: Sequence[Saved] = ()

    def compose(self) -> ComposeResult:
        """The list, and the place for the session that is read."""
        yield TooSmall()
        with Vertical(classes="dialog"):
            yield Line(id="sessions-note")
            yield OptionList(id="sessions-list", markup=False, compact=True)
            yield VerticalScroll(id="session")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read the folder."""
        self.query_one("#session").display = False
        self._entitle("Sessions")
        self._list()

    @work(exclusive=True, exit_on_error=False)
    async def _list(self) -> None:
        try:
            self._saved = await asyncio.to_thread(lambda: self._shelf().list_sessions())
        except (RmLocalError, OSError) as error:
            self._note(str(error))
            return
        if not self._saved:
            self._note("Nothing saved yet. Every session is saved as it happens.")
            return
        options = self.query_one("#sessions-list", OptionList)
        options.set_options([Option(_row(saved)) for saved in self._saved])
        options.highlighted = 0
        options.focus()
        self.refresh_bindings()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self._read(self._saved[event.option_index])

    @work(exclusive=True, exit_on_error=False)
    async def _read(self, saved: Saved) -> None:
        try:
            traces = await asyncio.to_thread(lambda: self._shelf().replay(saved.path))
        except (RmLocalError, OSError) as error:
            self._note(str(error))
            return
        page = self.query_one("#session", VerticalScroll)
        await page.remove_children()
        await page.mount_all(PastTurn(replayed(trace), unfolded=True) for trace in traces)
        self._note("" if traces else "There is no turn in this session.")
        self._show_page(True)
        self._entitle(f"Session of {saved.started:%Y-%m-%d %H:%M}, to read")

    def action_go_on(self) -> None:
        """Take the session that is read, or the one under the cursor, back to the chat."""
        at = self.query_one("#sessions-list", OptionList).highlighted
        if at is not None:
            self.dismiss(self._saved[at].path)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There has to be a session."""
        return bool(self._saved) if action == "go_on" else super().check_action(action, parameters)

    def action_back(self) -> None:
        """From the page to the list, from the list to the chat."""
        if self.query_one("#session").display:
            self._show_page(False)
            self._entitle("Sessions")
            self._note("")
        else:
            self.dismiss(None)

    def _show_page(self, shown: bool) -> None:
        page, options = self.query_one("#session"), self.query_one("#sessions-list")
        page.display, options.display = shown, not shown
        (page if shown else options).focus()

    def _note(self, text: str) -> None:
        line = self.query_one("#sessions-note", Line)
        line.put(fmt.one_line(text))
        line.display = bool(text)

    def _entitle(self, title: str) -> None:
        self.query_one(".dialog").border_title = Content(title)


def _row(saved: Saved) -> Content:
    """When, how many turns, and the first question."""
    turns = fmt.count(saved.turns, "turn")
    return Content.assemble(
        (f"{saved.started:%Y-%m-%d %H:%M}  ", "$foreground 60%"),
        (f"{turns:<9} ", "$foreground 60%"),
        fmt.shorten(fmt.one_line(saved.title) or "nothing asked", 200),
    )

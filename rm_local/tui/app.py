"""The app: colours, keys that hold everywhere, and the screens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from rm_local.loop.plan import DEFAULT, named
from rm_local.tui.screens.chat import ChatScreen
from rm_local.tui.theme import DARK, LIGHT, PHASE_COLOURS
from rm_local.tui.widgets.too_small import LEAST_HEIGHT, LEAST_WIDTH

if TYPE_CHECKING:
    from rm_local.tui.chat_state import Host
    from rm_local.tui.screens.sessions import Shelf


class RmLocalApp(App[None], inherit_bindings=False):
    """Ask, and watch how the question is solved.

    `host` is a `rm_local.runtime.Runtime`; `clock` gives seconds, for the times of what runs.
    """

    TITLE = "rm-local"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (Textual declares it so)
        (0, "-thin"),
        (LEAST_WIDTH, "-narrow"),
        (100, "-medium"),
        (150, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-flat"),
        (LEAST_HEIGHT, "-short"),
        (30, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f1",
            "help",
            "Help",
            id="app.help",
            key_display="F1",
            tooltip="What the app does, and all keys",
        ),
        Binding("ctrl+o", "sessions", "Sessions", id="app.sessions", tooltip="Saved sessions"),
        Binding("ctrl+n", "new", "New", id="app.new", tooltip="Begin a new session"),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Quit", priority=True),
        Binding("ctrl+c", "help_quit", "How to quit", id="app.quit_help", show=False, system=True),
    ]

    def __init__(
        self,
        host: Host,
        *,
        plan: str = DEFAULT,
        thinking: bool = True,
        theme: str = DARK.name,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.host = host
        self.chat = ChatScreen(host, replace(named(plan), thinking=thinking), clock)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme if theme in self.available_themes else DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The phases' colours, for themes that know none."""
        return {**super().get_theme_variable_defaults(), **PHASE_COLOURS}

    def get_default_screen(self) -> ChatScreen:
        """The chat."""
        return self.chat

    async def on_unmount(self) -> None:
        """End the turn and the worker process with the app."""
        self.chat.talk.stop()
        await self.host.close()

    def action_help(self) -> None:
        """F1."""
        from rm_local.tui.screens.help import Help

        self.push_screen(Help())

    def action_sessions(self) -> None:
        """List what was saved."""
        from rm_local.tui.screens.sessions import Sessions

        self.push_screen(Sessions(_shelf), self.chat.reopen)

    def action_new(self) -> None:
        """A new session, on an empty screen."""
        if self.screen is self.chat and self.chat.new_session():
            self.host.new_session()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Screens are opened from the chat only."""
        if action in ("help", "sessions", "new") and self.screen is not self.chat:
            return False
        return super().check_action(action, parameters)


def _shelf() -> Shelf:
    from rm_local import sessions

    return sessions

"""The app class: its themes, its screens, and the keys for every screen."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import BindingType

from rm_local.loop import DEFAULT_PLAN, find_plan
from rm_local.tui import keys
from rm_local.tui.process_signals import ProcessSignalHandler
from rm_local.tui.screens.chat import ChatScreen
from rm_local.tui.theme import DARK, LIGHT, PHASE_COLORS
from rm_local.tui.widgets.too_small import LEAST_HEIGHT, LEAST_WIDTH

if TYPE_CHECKING:
    from rm_local.tui.chat_state import Backend
    from rm_local.tui.screens.sessions import SessionReader


class RmLocalApp(App[None], inherit_bindings=False):
    """The Textual app: the user asks questions, and sees the phases of each turn while it runs.

    `backend` is a `rm_local.runtime.Runtime`; `clock` returns the time in seconds. An unknown
    `theme` is replaced by the dark theme.
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
    BINDINGS: ClassVar[list[BindingType]] = [*keys.APP, keys.QUIT_HELP]

    def __init__(
        self,
        backend: Backend,
        *,
        plan: str = DEFAULT_PLAN,
        thinking: bool = True,
        theme: str = DARK.name,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.backend = backend
        self.chat = ChatScreen(backend, replace(find_plan(plan), thinking=thinking), clock)
        self._signals = ProcessSignalHandler(self)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme if theme in self.available_themes else DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return Textual's default theme variables plus colours of the phases, for other themes."""
        return {**super().get_theme_variable_defaults(), **PHASE_COLORS}

    def get_default_screen(self) -> ChatScreen:
        """Return the chat screen."""
        return self.chat

    def on_ready(self) -> None:
        """Handle signals from now on: the app can end."""
        self._signals.install_handlers_and_deliver_held()

    async def on_unmount(self) -> None:
        """Stop the turn and the worker process at the end of the app."""
        self.chat.close()
        await self.backend.close()

    def run(self, *, headless: bool = False, **options: Any) -> Any:
        """Run the app until it ends; return the result of Textual, whose options these are."""
        if not headless:
            self._signals.hold_end_signals()
        return super().run(headless=headless, **options)

    def action_suspend_process(self) -> None:
        """Stop the process and those started with it, as Ctrl+Z does outside the app."""
        if sys.platform != "win32" and not self.is_headless:
            os.kill(0, signal.SIGTSTP)

    def action_help(self) -> None:
        """Show the help screen."""
        from rm_local.tui.screens.help import Help

        self.push_screen(Help())

    def action_sessions(self) -> None:
        """Open the screen of saved sessions; continue in the chat the session chosen there."""
        from rm_local.tui.screens.sessions import Sessions

        self.push_screen(Sessions(_import_session_reader), self.chat.resume_session)

    def action_new_session(self) -> None:
        """Start a new session on an empty chat screen; do nothing on another screen."""
        if self.screen is self.chat:
            self.chat.start_new_session()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable help, sessions and new session outside the chat screen."""
        if action in ("help", "sessions", "new_session") and self.screen is not self.chat:
            return False
        return super().check_action(action, parameters)


def _import_session_reader() -> SessionReader:
    from rm_local import sessions

    return sessions

"""Signals of the terminal and the system: the app leaves a clean terminal when it stops or ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from types import FrameType
from typing import Any

from textual.app import App

from rm_local.errors import SIGNAL_EXIT

if sys.platform != "win32":
    _ENDING: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
else:
    _ENDING = ()


class ProcessSignalHandler:
    """Lets signals end, stop and continue an app that runs on a terminal.

    SIGINT, SIGTERM and SIGHUP end it, unless the parent process ignores them, as under nohup.
    SIGTSTP gives the terminal back before the process stops; SIGCONT takes it again and draws it.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._held: int | None = None

    def hold_end_signals(self) -> None:
        """Hold signals that end the app, until `install_handlers_and_deliver_held` is called."""
        for number in _ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._hold_signal)

    def install_handlers_and_deliver_held(self) -> None:
        """Handle signals from now on, until the event loop ends; not without a terminal."""
        if sys.platform == "win32" or self._app.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self._end_app, number)
        self._install_job_control_handlers(loop)
        if self._held is not None:
            self._end_app(self._held)

    def _hold_signal(self, number: int, _frame: FrameType | None) -> None:
        self._held = number

    def _install_job_control_handlers(self, loop: asyncio.AbstractEventLoop) -> None:
        """Install the handlers of SIGTSTP and SIGCONT in the event loop."""
        loop.add_signal_handler(signal.SIGTSTP, self._suspend_until_continued)
        loop.add_signal_handler(signal.SIGCONT, self._take_terminal_again)

    def _end_app(self, number: int) -> None:
        self._app.exit(return_code=SIGNAL_EXIT + number)

    def _suspend_until_continued(self) -> None:
        """Give the terminal back, stop until a shell continues the process, and draw again.

        Where no shell could continue it, the system ignores the signal; SIGSTOP would hang the app.
        """
        loop = asyncio.get_running_loop()
        with self._app.suspend():
            loop.remove_signal_handler(signal.SIGTSTP)
            loop.remove_signal_handler(signal.SIGCONT)
            os.kill(os.getpid(), signal.SIGTSTP)
            self._install_job_control_handlers(loop)
        self._app.screen.refresh(layout=True)

    def _take_terminal_again(self) -> None:
        """Set up the terminal after a stop that did not leave it, or one in the background."""
        with self._app.suspend():
            pass
        self._app.screen.refresh(layout=True)

"""Lets a command that the system or a closed terminal ends clean up first."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from rm_local.errors import SIGNAL_EXIT


def install_exit_signal_handlers() -> None:
    """Let SIGTERM and SIGHUP raise SystemExit in this process, once; a second one ends it at once.

    A signal that the parent process ignores, as under nohup, stays ignored.
    """
    if sys.platform == "win32":
        return
    process = os.getpid()

    def exit_and_restore_default_handler(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != process:  # a fork has nothing of its own to clean up
            os.kill(os.getpid(), number)
        # asyncio would report the exit that ends its tasks, with a traceback.
        if asyncio_log := sys.modules.get("asyncio.log"):
            asyncio_log.logger.disabled = True
        raise SystemExit(SIGNAL_EXIT + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, exit_and_restore_default_handler)

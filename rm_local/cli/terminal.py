"""What the terminal can do, by the environment variable TERM."""

from __future__ import annotations

import os
import sys
from typing import TextIO

CANNOT_DRAW = "The app cannot draw on it. Use the commands."
_INCAPABLE = ("", "dumb", "unknown")
"""Values of TERM that name no terminal, or one that only prints lines."""
_CAPABLE = ("xterm", "tmux", "screen", "rxvt", "linux", "alacritty", "foot", "vte", "konsole")
"""Beginnings of values of TERM that need not be looked up, which takes 5 ms."""


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a standard stream is a terminal; a closed one is not."""
    return stream is not None and stream.isatty()


def does_term_support_escape_codes() -> bool:
    """Return whether the terminal understands escape codes, such as those that move the cursor."""
    name = os.environ.get("TERM", "")
    return sys.platform == "win32" or (
        name not in _INCAPABLE and _can_move_cursor_or_is_unlisted(name)
    )


def can_redraw_lines(stream: TextIO | None) -> bool:
    """Return whether `stream` is a terminal on which a line can be drawn over."""
    return is_terminal(stream) and does_term_support_escape_codes()


def describe_term_variable() -> str:
    """Return the name of the terminal as TERM gives it, or that TERM is not set."""
    return os.environ.get("TERM") or "TERM is not set"


def _can_move_cursor_or_is_unlisted(name: str) -> bool:
    """Look up in terminfo whether a terminal can move the cursor; True if it is not listed."""
    if name.startswith(_CAPABLE):
        return True
    try:
        import curses

        curses.setupterm(name, 1)
        return curses.tigetstr("cup") is not None
    except Exception:  # curses is not part of every Python; its error class is not, either
        return True

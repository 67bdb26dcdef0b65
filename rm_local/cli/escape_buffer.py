"""Makes a text that arrives in pieces printable: safe for a terminal, without outer white space."""

from __future__ import annotations

import re

from rm_local.text import sanitize_for_terminal

_START = re.compile("[\x1b\x90\x98\x9b\x9d-\x9f]")
"""First characters of escape sequences. None of them contains a line break."""


class SanitizingEscapeBuffer:
    """Sanitizes pieces of a text; holds back what a later piece may complete.

    That is a line from its first escape sequence, and white space that may be the end of the text.
    """

    def __init__(self, *, sanitize: bool = True) -> None:
        """Create the buffer; without `sanitize` it only holds back white space."""
        self._sanitize = sanitize_for_terminal if sanitize else str
        self._start = _START if sanitize else None
        self._held = ""

    def add_and_take_printable(self, text: str) -> str:
        """Add a piece; return the text that can be printed now."""
        held = self._held + text
        line = held.rfind("\n") + 1
        start = self._start.search(held, line) if self._start else None
        end = len(held[: start.start() if start else len(held)].rstrip())
        self._held = held[end:]
        return self._sanitize(held[:end])

    def take_rest(self) -> str:
        """Return what was held back, without white space at its end."""
        rest, self._held = self._held, ""
        return self._sanitize(rest).rstrip()

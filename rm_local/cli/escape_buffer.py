"""Makes a text that arrives in pieces safe for a terminal."""

from __future__ import annotations

import re

from rm_local.text import sanitize_text

_START = re.compile("[\x1b\x90\x98\x9b\x9d-\x9f]")
"""First characters of escape sequences. None of them contains a line break."""


class EscapeBuffer:
    """Sanitizes pieces of a text; holds back what a later piece may complete.

    That is a line from its first escape sequence, and white space that may be the end of the text.
    """

    def __init__(self) -> None:
        self._held = ""

    def add_text(self, text: str) -> str:
        """Add a piece; return the text that can be printed now."""
        held = self._held + text
        line = held.rfind("\n") + 1
        start = _START.search(held, line)
        end = len(held[: start.start() if start else len(held)].rstrip())
        self._held = held[end:]
        return sanitize_text(held[:end])

    def take_rest(self) -> str:
        """Return what was held back, without white space at its end."""
        rest, self._held = self._held, ""
        return sanitize_text(rest).rstrip()

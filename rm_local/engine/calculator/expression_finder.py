"""Finds expressions in a stream of text: `<<`, the expression, `=`."""

from __future__ import annotations

from rm_local.engine.calculator.calculator_limits import CHARACTERS

OPEN, CLOSE = "<<", ">>"
"""What stands in front of an expression, and behind its result."""
_LONGEST = len(OPEN) + CHARACTERS + len("=")


class ExpressionFinder:
    """Follows the text of one branch, however it is cut into pieces.

    An expression stands on one line, behind the last `<<`. An `=` that is part of `==`, `<=`,
    `>=` or `!=` closes none.
    """

    def __init__(self, before: str = "") -> None:
        """`before`: text that stands in front of the stream, in which an expression may begin."""
        self._held = ""
        """What may be an expression, from its `<<` on; or a `<` that may be the half of one."""
        self._cut(before[-_LONGEST:])

    def add(self, text: str) -> str | None:
        """Take the next piece; the expression, if the piece ends with the `=` that closes it.

        With `==` still to come the `=` would not close it: the caller knows how that is written.
        """
        self._cut(self._held + text)
        held = self._held
        if not text.endswith("=") or not held.startswith(OPEN):
            return None
        inside = held[len(OPEN) : -1]
        return None if inside[-1:] in ("", "=", "<", ">", "!") else inside

    def reset(self) -> None:
        """Forget what was found: its result has been written."""
        self._held = ""

    def _cut(self, text: str) -> None:
        """Keep what may still become an expression."""
        start = text.rfind(OPEN)
        if start < 0:
            self._held = "<" if text.endswith("<") else ""
            return
        text = text[start:]
        over = "\n" in text or CLOSE in text or len(text) > _LONGEST
        self._held = ("<" if text.endswith("<") else "") if over else text

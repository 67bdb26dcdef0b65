"""Finds expressions in a stream of text: `<<`, the expression, `=`."""

from __future__ import annotations

from rm_local.engine.calculator.calculator_limits import CHARACTERS

OPEN, CLOSE = "<<", ">>"
"""The texts before an expression and after its result."""
_LONGEST = len(OPEN) + CHARACTERS + len("=")


class ExpressionFinder:
    """Follows the text of one branch, however it is cut into pieces.

    An expression begins after the last `<<` and stays on one line. An `=` that is part of `==`,
    `<=`, `>=` or `!=` does not close it.
    """

    def __init__(self, before: str = "") -> None:
        """`before`: text that precedes the stream; an expression may begin in it."""
        self._held = ""
        """A possible expression from its `<<` on, or a final `<` that may become `<<`."""
        self._keep_candidate(before[-_LONGEST:])

    def add_text(self, text: str) -> str | None:
        """Add the next piece; returns the expression if the piece ends with its closing `=`.

        The `=` may still turn out to be the first half of `==`: the caller has to rule that out.
        """
        self._keep_candidate(self._held + text)
        held = self._held
        if not text.endswith("=") or not held.startswith(OPEN):
            return None
        inside = held[len(OPEN) : -1]
        return None if inside[-1:] in ("", "=", "<", ">", "!") else inside

    def reset(self) -> None:
        """Forget what was found: its result has been written."""
        self._held = ""

    def _keep_candidate(self, text: str) -> None:
        """Keep the end of the text that may still become an expression."""
        start = text.rfind(OPEN)
        if start < 0:
            self._held = "<" if text.endswith("<") else ""
            return
        text = text[start:]
        over = "\n" in text or CLOSE in text or len(text) > _LONGEST
        self._held = ("<" if text.endswith("<") else "") if over else text

"""Finds expressions in a stream of text, where they are written as `<<expression=`."""

from __future__ import annotations

from rm_local.engine.calculator.calculator_limits import CHARACTERS

OPEN, CLOSE = "<<", ">>"
"""The mark before an expression, and the mark after its result."""
_LONGEST = len(OPEN) + CHARACTERS + len("=")
"""Maximum characters of an expression with `<<` and `=`."""


class ExpressionFinder:
    """Finds each completed expression in the text of one branch, which is added piece by piece.

    An expression begins after the last `<<` and stays on one line. An `=` that is part of `==`,
    `<=`, `>=` or `!=` does not close it.
    """

    def __init__(self, before: str = "") -> None:
        """Start after the text `before`, in which an expression may begin."""
        self._held = ""
        """The end of the text, if it may become an expression: from `<<` on, or a single `<`."""
        self._hold_possible_expression(before[-_LONGEST:])

    def add_text_and_find_expression(self, text: str) -> str | None:
        """Add a piece of text; if it ends with the `=` after an expression, return the expression.

        The caller has to check that the `=` is not the first half of `==`.
        """
        self._hold_possible_expression(self._held + text)
        held = self._held
        if not text.endswith("=") or not held.startswith(OPEN):
            return None
        inside = held[len(OPEN) : -1]
        return None if inside[-1:] in ("", "=", "<", ">", "!") else inside

    def forget_expression(self) -> None:
        """Forget the current expression; call this after its result was inserted into the text."""
        self._held = ""

    def _hold_possible_expression(self, text: str) -> None:
        """Keep the end of `text` if it may become an expression; forget all other text."""
        start = text.rfind(OPEN)
        if start < 0:
            self._held = "<" if text.endswith("<") else ""
            return
        text = text[start:]
        over = "\n" in text or CLOSE in text or len(text) > _LONGEST
        self._held = ("<" if text.endswith("<") else "") if over else text

"""How large an expression, its values and its work may be. What is larger has no value."""

from __future__ import annotations

CHARACTERS = 200
"""Of an expression. A worked step has a few dozen; none of a sane one is lost."""
DEPTH = 20
"""Levels of brackets, calls, signs and powers. Python's stack holds far more."""
DIGITS = 100
"""Of a whole number, and of numerator and denominator of a fraction."""
TRANSIENT_DIGITS = 400
"""Of a power before it is checked, or, if it is a decimal, rounded."""
KEPT_DIGITS = 50
"""Significant digits of a decimal that has no more than `DIGITS` only when it is rounded."""
SHOWN_DIGITS = 10
"""Significant digits of a decimal in a result."""
ITEMS = 1000
"""Elements of a list, those of the lists in it counted."""
STRING = 400
"""Characters of a string."""
STEPS = 3000
"""Operations, and elements of what they give: up to four milliseconds of work, measured."""
RESULT = 120
"""Characters of a result: it takes the room of so many tokens at most, usually of far fewer."""


class NotEvaluable(Exception):
    """The expression has no value: it is no expression, is wrong, or is too large."""

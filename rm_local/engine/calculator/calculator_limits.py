"""Limits on an expression, its values and the work to compute it. Beyond them it has no value."""

from __future__ import annotations

CHARACTERS = 200
"""Of an expression. A worked step has a few dozen, so that no real one reaches the limit."""
DEPTH = 20
"""Levels of brackets, calls, signs and powers. Python's stack holds far more."""
DIGITS = 100
"""Of a whole number, and of numerator and denominator of a fraction."""
TRANSIENT_DIGITS = 400
"""Of a power before it is checked or, as a decimal, rounded."""
KEPT_DIGITS = 50
"""Significant digits that a decimal is rounded to when it has more than `DIGITS`."""
SHOWN_DIGITS = 10
"""Significant digits of a decimal in a result."""
ITEMS = 1000
"""Elements of a list, including those of nested lists."""
STRING = 400
"""Characters of a string."""
STEPS = 3000
"""Operations plus the elements of their results: up to four milliseconds of work, measured."""
RESULT = 120
"""Characters of a result, and so the most tokens that it can take; usually far fewer."""


class NotEvaluableError(Exception):
    """The expression has no value: it is malformed, undefined, or too large."""

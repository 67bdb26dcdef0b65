"""Limits on expressions, on values and on work; an expression beyond a limit has no value."""

from __future__ import annotations

CHARACTERS = 200
"""Maximum characters of an expression; typical expressions have a few dozen."""
DEPTH = 20
"""Maximum nesting of brackets, calls, signs and powers; far below the limit of Python's stack."""
DIGITS = 100
"""Maximum digits of a whole number, and of a fraction's numerator and denominator."""
TRANSIENT_DIGITS = 400
"""Maximum digits of a power before it is rounded to `KEPT_DIGITS` or checked against `DIGITS`."""
KEPT_DIGITS = 50
"""Significant digits to which a decimal with more than `DIGITS` digits is rounded."""
SHOWN_DIGITS = 10
"""Maximum significant digits of a decimal in the text of a result."""
ITEMS = 1000
"""Maximum elements of a list, including the elements of nested lists."""
STRING = 400
"""Maximum characters of a string in an expression, and of one that it computes."""
STEPS = 3000
"""Maximum work for an expression: operations plus elements of their results. Measured: 4 ms."""
RESULT = 120
"""Maximum characters of the text of a result, and so its maximum number of tokens."""


class NotEvaluableError(Exception):
    """The expression has no value: it is malformed, undefined, or too large."""

"""Limits on an expression, its values and its computation; beyond them it has no value."""

from __future__ import annotations

CHARACTERS = 200
"""Maximum characters of an expression. A typical step of a calculation has a few dozen."""
DEPTH = 20
"""Maximum nesting of brackets, calls, signs and powers; far below the limit of Python's stack."""
DIGITS = 100
"""Maximum digits of a whole number, and of a fraction's numerator and denominator."""
TRANSIENT_DIGITS = 400
"""Maximum digits of a power as an intermediate result, before it is rounded or checked."""
KEPT_DIGITS = 50
"""Significant digits to which a decimal with more than `DIGITS` digits is rounded."""
SHOWN_DIGITS = 10
"""Maximum significant digits of a decimal in a result."""
ITEMS = 1000
"""Maximum elements of a list, including the elements of nested lists."""
STRING = 400
"""Maximum characters of a string."""
STEPS = 3000
"""Maximum work for an expression: operations plus elements of their results. Measured: 4 ms."""
RESULT = 120
"""Maximum characters of a result, and also its maximum number of tokens."""


class NotEvaluableError(Exception):
    """The expression has no value: it is malformed, undefined, or too large."""

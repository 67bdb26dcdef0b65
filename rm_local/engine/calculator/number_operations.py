"""Arithmetic on exact numbers, with limits on the digits of results."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt, log10

from rm_local.engine.calculator.calculator_limits import (
    DIGITS,
    TRANSIENT_DIGITS,
    NotEvaluableError,
)
from rm_local.engine.calculator.calculator_values import Number, make_limited_number

_ROOT_DIGITS = 40
"""Significant digits to which an irrational root is computed, so that `sqrt(2)**2` shows as 2."""
_MOST_ROOT = 64
"""Largest degree of a root that is computed."""


def apply_operator(sign: str, left: Number, right: Number) -> Number:
    """Compute `left sign right` for the signs `+ - * / // % **`; `//` and `%` round down.

    Raises:
        NotEvaluableError: The divisor is zero, a root cannot be computed, or the result has too
            many digits.
    """
    a, b, decimal = left.value, right.value, left.decimal or right.decimal
    if sign in ("/", "//", "%") and not b:
        raise NotEvaluableError
    match sign:
        case "+":
            return make_limited_number(a + b, decimal)
        case "-":
            return make_limited_number(a - b, decimal)
        case "*":
            return make_limited_number(a * b, decimal)
        case "/":
            return make_limited_number(Fraction(a) / b, decimal)
        case "//":
            return make_limited_number(a // b, decimal)
        case "%":
            return make_limited_number(a % b, decimal)
        case "**":
            return raise_power(left, right)
    raise NotEvaluableError


def raise_power(base: Number, exponent: Number) -> Number:
    """Raise a number to a power; if the exponent is a fraction, compute the root first.

    Raises:
        NotEvaluableError: The result is not real, has too many digits, or contains an irrational
            root other than a square root.
    """
    if isinstance(exponent.value, Fraction):
        degree = exponent.value.denominator
        root = take_root(base, degree)
        whole = Number(exponent.value.numerator)
        power = raise_power(root, whole)
        return make_limited_number(power.value, power.decimal or exponent.decimal)
    value, times, decimal = base.value, exponent.value, base.decimal or exponent.decimal
    if not value and times < 0:
        raise NotEvaluableError
    if value in (0, 1) or not times:
        return make_limited_number(value if times else 1, decimal)
    if value == -1:
        return make_limited_number(-1 if times % 2 else 1, decimal)
    largest = max(abs(value.numerator), value.denominator)
    if abs(times) * log10(largest) > TRANSIENT_DIGITS:
        raise NotEvaluableError
    return make_limited_number(Fraction(value) ** times, decimal)


def take_root(number: Number, degree: int) -> Number:
    """Compute the root of a number; an irrational square root is rounded to a decimal.

    `degree`: 2 = the square root, 3 = the cube root.

    Raises:
        NotEvaluableError: The number is negative, the degree is above `_MOST_ROOT`, or the root is
            irrational and not a square root.
    """
    value = number.value
    if degree > _MOST_ROOT or value < 0:
        raise NotEvaluableError
    top, bottom = (
        _compute_root_rounded_down(value.numerator, degree),
        _compute_root_rounded_down(value.denominator, degree),
    )
    if top**degree == value.numerator and bottom**degree == value.denominator:
        return make_limited_number(Fraction(top, bottom), number.decimal)
    if degree != 2:
        raise NotEvaluableError
    size = len(str(value.numerator)) - len(str(value.denominator))
    places = _ROOT_DIGITS - size // 2
    if places > DIGITS:
        raise NotEvaluableError
    places = max(0, places)
    scaled = isqrt(value.numerator * 10 ** (2 * places) // value.denominator)
    return make_limited_number(Fraction(scaled, 10**places), True)


def _compute_root_rounded_down(value: int, degree: int) -> int:
    """Return the largest whole number whose power of `degree` does not exceed `value`."""
    if degree == 2:
        return isqrt(value)
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle
    return low

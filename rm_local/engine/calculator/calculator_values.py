"""The calculator's types of values: exact numbers, strings, booleans, lists."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rm_local.engine.calculator.calculator_limits import (
    DIGITS,
    ITEMS,
    KEPT_DIGITS,
    RESULT,
    SHOWN_DIGITS,
    STRING,
    NotEvaluableError,
)

_MOST = 10**DIGITS


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number in an expression; `value` is an int for a whole number, else a fraction."""

    value: int | Fraction
    decimal: bool = False
    """Whether the number is formatted as a decimal; true if it was computed from a decimal."""


@dataclass(frozen=True, slots=True)
class ListValue:
    """A list in an expression; `size` is its number of elements, with those of nested lists."""

    items: tuple[Value, ...]
    size: int


Value = Number | str | bool | ListValue
"""A value that an expression or a part of it can have."""


def make_limited_number(value: int | Fraction, decimal: bool = False) -> Number:
    """Build the calculator's number; a decimal of too many digits is rounded to `KEPT_DIGITS`.

    Raises:
        NotEvaluableError: The number has more than `DIGITS` digits and is not a decimal, or it is
            too large or too small for a decimal.
    """
    if isinstance(value, Fraction) and value.denominator == 1:
        value = value.numerator
    if -_MOST < value.numerator < _MOST and value.denominator < _MOST:
        return Number(value, decimal)
    exact = Fraction(value)
    if not decimal or not Fraction(1, _MOST) < abs(exact) < _MOST:
        raise NotEvaluableError
    return make_limited_number(round_to_digits_keeping_whole_part(exact, KEPT_DIGITS), True)


def make_limited_list(items: list[Value] | tuple[Value, ...]) -> ListValue:
    """Build the calculator's list of `items`.

    Raises:
        NotEvaluableError: The list has more than `ITEMS` elements.
    """
    size = len(items) + sum(each.size for each in items if isinstance(each, ListValue))
    if size > ITEMS:
        raise NotEvaluableError
    return ListValue(tuple(items), size)


def require_short_string(text: str) -> str:
    """Return `text` if it has at most `STRING` characters.

    Raises:
        NotEvaluableError: The text is longer.
    """
    if len(text) > STRING:
        raise NotEvaluableError
    return text


def round_to_digits_keeping_whole_part(value: Fraction, digits: int) -> Fraction:
    """Round a fraction, half to even, to `digits` significant digits, but keep its whole part."""
    return round(value, max(0, digits - 1 - find_decimal_exponent(value)))


def find_decimal_exponent(value: Fraction) -> int:
    """Return the power of ten of a fraction's first significant digit; 0 for zero."""
    if not value:
        return 0
    top, bottom = abs(value.numerator), value.denominator
    power = len(str(top)) - len(str(bottom))
    reached = top >= bottom * 10**power if power >= 0 else top * 10**-power >= bottom
    return power if reached else power - 1


def format_result_or_raise_if_long(value: Value) -> str:
    """Format the value as the text of a result: a Python literal, or a fraction such as `1/3`.

    A decimal has at most `SHOWN_DIGITS` significant digits, no trailing zeros and no exponent.

    Raises:
        NotEvaluableError: The text is longer than `RESULT`.
    """
    text = _format_value(value)
    if len(text) > RESULT:
        raise NotEvaluableError
    return text


def _format_value(value: Value) -> str:
    match value:
        case bool():
            return str(value)
        case str():
            return repr(value)
        case Number(value=number, decimal=decimal):
            return _format_decimal(Fraction(number)) if decimal else str(number)
        case ListValue(items=items):
            parts: list[str] = []
            for item in items:
                parts.append(_format_value(item))
                if len(parts) * 3 > RESULT:
                    raise NotEvaluableError
            return f"[{', '.join(parts)}]"


def _format_decimal(value: Fraction) -> str:
    """Format a fraction as a decimal, with at most `SHOWN_DIGITS` significant digits."""
    places = max(0, SHOWN_DIGITS - 1 - find_decimal_exponent(value))
    scaled = round(abs(value) * 10**places)
    sign = "-" if value < 0 and scaled else ""
    digits = str(scaled).rjust(places + 1, "0")
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"

"""The functions that an expression can call. Each returns a value or raises an exception."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce

from rm_local.engine.calculator.calculator_limits import ITEMS, KEPT_DIGITS, NotEvaluableError
from rm_local.engine.calculator.calculator_values import (
    ListValue,
    Number,
    Value,
    format_result_or_raise_if_long,
    make_limited_list,
    make_limited_number,
    require_short_string,
)
from rm_local.engine.calculator.number_operations import apply_operator, raise_power, take_root

_MOST_CHOSEN = 1000
"""Largest first argument of `comb` and `perm`, to keep intermediate results small."""
_MOST_FACTORIAL = 69
"""Largest argument of `factorial`: 69! has 99 digits."""


def require_number(value: Value) -> Number:
    """Return `value` if it is a number.

    Raises:
        NotEvaluableError: The value has another type.
    """
    if not isinstance(value, Number):
        raise NotEvaluableError
    return value


def require_whole_number(value: Value) -> int:
    """Return `value` as an int if it is a whole number.

    Raises:
        NotEvaluableError: The value is not a whole number.
    """
    number = require_number(value).value
    if not isinstance(number, int):
        raise NotEvaluableError
    return number


def require_items_or_characters(value: Value) -> tuple[Value, ...]:
    """Return the elements of the calculator's list, or the characters of a string, as a tuple.

    Raises:
        NotEvaluableError: The value is neither a list nor a string.
    """
    if isinstance(value, ListValue):
        return value.items
    if isinstance(value, str):
        return tuple(value)
    raise NotEvaluableError


def get_sort_key(value: Value) -> int | Fraction | str:
    """Return the key by which a number or a string is sorted and compared.

    Raises:
        NotEvaluableError: The value has another type.
    """
    if isinstance(value, Number):
        return value.value
    if isinstance(value, str):
        return value
    raise NotEvaluableError


def sort_values(value: Value, reverse: bool = False) -> ListValue:
    """Return a sorted list of a list's elements or a string's characters.

    Raises:
        NotEvaluableError: An element is neither a number nor a string.
        TypeError: Some elements are numbers, and others are strings.
    """
    return make_limited_list(
        sorted(require_items_or_characters(value), key=get_sort_key, reverse=reverse)
    )


def _count_items_or_characters(value: Value) -> Value:
    return make_limited_number(len(require_items_or_characters(value)))


def _sum_values(values: Value, start: Value = Number(0)) -> Value:  # noqa: B008 (frozen)
    if isinstance(values, str):
        raise NotEvaluableError
    return reduce(
        lambda a, b: apply_operator("+", a, require_number(b)),
        require_items_or_characters(values),
        require_number(start),
    )


def _make_extreme_function(choose: Callable[..., Value]) -> Callable[..., Value]:
    """Make `min` or `max` for the calculator's values; they take one list or several values."""

    def find_extreme(*values: Value) -> Value:
        return choose(
            require_items_or_characters(values[0]) if len(values) == 1 else values, key=get_sort_key
        )

    return find_extreme


def _list_items_in_reverse(value: Value) -> Value:
    return make_limited_list(require_items_or_characters(value)[::-1])


def _compute_absolute(value: Value) -> Value:
    number = require_number(value)
    return apply_operator("-", Number(0), number) if number.value < 0 else number


def _round_number(value: Value, places: Value | None = None) -> Value:
    number = require_number(value)
    if places is None:
        return make_limited_number(round(number.value))
    digits = require_whole_number(places)
    if abs(digits) > KEPT_DIGITS:
        raise NotEvaluableError
    rounded = round(Fraction(number.value), digits)
    return make_limited_number(rounded, number.decimal or not isinstance(number.value, int))


def _make_fold_function(combine: Callable[[int, int], int]) -> Callable[..., Value]:
    """Make a function that combines several whole numbers, or those of a list, one by one."""

    def fold_numbers(*values: Value) -> Value:
        members = (
            require_items_or_characters(values[0]) if isinstance(values[0], ListValue) else values
        )
        whole = map(require_whole_number, members)
        return make_limited_number(
            reduce(lambda a, b: make_limited_number(combine(a, b)).value.numerator, whole)
        )

    return fold_numbers


def _make_rounding_function(towards: Callable[[int | Fraction], int]) -> Callable[..., Value]:
    """Make a function that rounds a number to a whole number by `towards`, such as `math.ceil`."""
    return lambda value: make_limited_number(towards(require_number(value).value))


def _convert_to_integer(value: Value, base: Value = Number(10)) -> Value:  # noqa: B008 (frozen)
    if isinstance(value, str):
        if not value.isascii():
            raise NotEvaluableError
        return make_limited_number(int(value, require_whole_number(base)))
    return make_limited_number(
        int(value) if isinstance(value, bool) else math.trunc(require_number(value).value)
    )


def _convert_to_decimal(value: Value) -> Value:
    if isinstance(value, str):
        if not value.isascii() or len(value) > KEPT_DIGITS or "e" in value.lower():
            raise NotEvaluableError
        return make_limited_number(Fraction(value), True)
    return make_limited_number(require_number(value).value, True)


def _convert_to_string(value: Value) -> Value:
    return (
        value
        if isinstance(value, str)
        else require_short_string(format_result_or_raise_if_long(value))
    )


def _list_range(*values: Value) -> Value:
    numbers = range(*map(require_whole_number, values))
    if len(numbers) > ITEMS:
        raise NotEvaluableError
    return make_limited_list([make_limited_number(number) for number in numbers])


def _compute_power(base: Value, exponent: Value, modulus: Value | None = None) -> Value:
    if modulus is None:
        return raise_power(require_number(base), require_number(exponent))
    return make_limited_number(
        pow(
            require_whole_number(base),
            require_whole_number(exponent),
            require_whole_number(modulus),
        )
    )


def _compute_factorial(value: Value) -> Value:
    if not 0 <= require_whole_number(value) <= _MOST_FACTORIAL:
        raise NotEvaluableError
    return make_limited_number(math.factorial(require_whole_number(value)))


def _make_combinatorial_function(count: Callable[[int, int], int]) -> Callable[..., Value]:
    """Make `comb` or `perm` for the calculator's values from the function of `math`."""

    def count_choices(n: Value, k: Value) -> Value:
        if not 0 <= require_whole_number(n) <= _MOST_CHOSEN:
            raise NotEvaluableError
        return make_limited_number(count(require_whole_number(n), require_whole_number(k)))

    return count_choices


def _divide_with_remainder(left: Value, right: Value) -> Value:
    a, b = require_number(left), require_number(right)
    return make_limited_list([apply_operator("//", a, b), apply_operator("%", a, b)])


def _require_booleans(value: Value) -> list[bool]:
    """Return the elements of a list as booleans.

    Raises:
        NotEvaluableError: An element is not a boolean.
    """
    if not all(isinstance(each, bool) for each in require_items_or_characters(value)):
        raise NotEvaluableError
    return [each is True for each in require_items_or_characters(value)]


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "abs": (1, 1, _compute_absolute),
    "all": (1, 1, lambda value: all(_require_booleans(value))),
    "any": (1, 1, lambda value: any(_require_booleans(value))),
    "bin": (1, 1, lambda value: require_short_string(bin(require_whole_number(value)))),
    "ceil": (1, 1, _make_rounding_function(math.ceil)),
    "chr": (1, 1, lambda value: chr(require_whole_number(value))),
    "comb": (2, 2, _make_combinatorial_function(math.comb)),
    "divmod": (2, 2, _divide_with_remainder),
    "factorial": (1, 1, _compute_factorial),
    "float": (1, 1, _convert_to_decimal),
    "floor": (1, 1, _make_rounding_function(math.floor)),
    "gcd": (1, 20, _make_fold_function(math.gcd)),
    "int": (1, 2, _convert_to_integer),
    "lcm": (1, 20, _make_fold_function(math.lcm)),
    "len": (1, 1, _count_items_or_characters),
    "list": (1, 1, lambda value: make_limited_list(require_items_or_characters(value))),
    "max": (1, 20, _make_extreme_function(max)),
    "min": (1, 20, _make_extreme_function(min)),
    "ord": (
        1,
        1,
        lambda value: make_limited_number(
            ord("".join(map(_require_string, require_items_or_characters(value))))
        ),
    ),
    "perm": (2, 2, _make_combinatorial_function(math.perm)),
    "pow": (2, 3, _compute_power),
    "range": (1, 3, _list_range),
    "reversed": (1, 1, _list_items_in_reverse),
    "round": (1, 2, _round_number),
    "sorted": (1, 1, sort_values),
    "sqrt": (1, 1, lambda value: take_root(require_number(value), 2)),
    "str": (1, 1, _convert_to_string),
    "sum": (1, 2, _sum_values),
}
"""Name of an expression's function -> minimum and maximum number of arguments, and the function."""


def _require_string(value: Value) -> str:
    if not isinstance(value, str):
        raise NotEvaluableError
    return value

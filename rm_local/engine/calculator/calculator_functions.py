"""The functions that an expression may call. Each takes values and gives one, or NotEvaluable."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce

from rm_local.engine.calculator.calculator_limits import ITEMS, KEPT_DIGITS, NotEvaluable
from rm_local.engine.calculator.calculator_values import (
    ListValue,
    Number,
    Value,
    make_list,
    make_number,
    make_string,
    write_value,
)
from rm_local.engine.calculator.number_operations import apply_operator, raise_power, take_root

_MOST_CHOSEN = 1000
"""Largest n of `comb` and `perm`: their intermediate results stay small."""
_MOST_FACTORIAL = 69
"""69! has 99 digits."""


def require_number(value: Value) -> Number:
    """The value, which has to be a number."""
    if not isinstance(value, Number):
        raise NotEvaluable
    return value


def require_whole(value: Value) -> int:
    """The value, which has to be a whole number."""
    number = require_number(value).value
    if not isinstance(number, int):
        raise NotEvaluable
    return number


def read_items(value: Value) -> tuple[Value, ...]:
    """The elements of a list, or the characters of a string."""
    if isinstance(value, ListValue):
        return value.items
    if isinstance(value, str):
        return tuple(value)
    raise NotEvaluable


def sort_key(value: Value) -> int | Fraction | str:
    """What numbers, or strings, are ordered by."""
    if isinstance(value, Number):
        return value.value
    if isinstance(value, str):
        return value
    raise NotEvaluable


def sort_values(value: Value, reverse: bool = False) -> ListValue:
    """The elements in order. Numbers and strings have none together."""
    return make_list(sorted(read_items(value), key=sort_key, reverse=reverse))


def _length(value: Value) -> Value:
    return make_number(len(read_items(value)))


def _sum(values: Value, start: Value = Number(0)) -> Value:  # noqa: B008 (frozen)
    if isinstance(values, str):
        raise NotEvaluable
    return reduce(
        lambda a, b: apply_operator("+", a, require_number(b)),
        read_items(values),
        require_number(start),
    )


def _extreme(choose: Callable[..., Value]) -> Callable[..., Value]:
    def find(*values: Value) -> Value:
        return choose(read_items(values[0]) if len(values) == 1 else values, key=sort_key)

    return find


def _reverse(value: Value) -> Value:
    return make_list(read_items(value)[::-1])


def _absolute(value: Value) -> Value:
    number = require_number(value)
    return apply_operator("-", Number(0), number) if number.value < 0 else number


def _round(value: Value, places: Value | None = None) -> Value:
    number = require_number(value)
    if places is None:
        return make_number(round(number.value))
    digits = require_whole(places)
    if abs(digits) > KEPT_DIGITS:
        raise NotEvaluable
    rounded = round(Fraction(number.value), digits)
    return make_number(rounded, number.decimal or not isinstance(number.value, int))


def _fold(combine: Callable[[int, int], int]) -> Callable[..., Value]:
    def fold(*values: Value) -> Value:
        members = read_items(values[0]) if isinstance(values[0], ListValue) else values
        whole = map(require_whole, members)
        return make_number(reduce(lambda a, b: make_number(combine(a, b)).value.numerator, whole))

    return fold


def _rounded(towards: Callable[[int | Fraction], int]) -> Callable[..., Value]:
    return lambda value: make_number(towards(require_number(value).value))


def _integer(value: Value, base: Value = Number(10)) -> Value:  # noqa: B008 (frozen)
    if isinstance(value, str):
        if not value.isascii():
            raise NotEvaluable
        return make_number(int(value, require_whole(base)))
    return make_number(
        int(value) if isinstance(value, bool) else math.trunc(require_number(value).value)
    )


def _float(value: Value) -> Value:
    if isinstance(value, str):
        if not value.isascii() or len(value) > KEPT_DIGITS or "e" in value.lower():
            raise NotEvaluable
        return make_number(Fraction(value), True)
    return make_number(require_number(value).value, True)


def _string(value: Value) -> Value:
    return value if isinstance(value, str) else make_string(write_value(value))


def _range(*values: Value) -> Value:
    numbers = range(*map(require_whole, values))
    if len(numbers) > ITEMS:
        raise NotEvaluable
    return make_list([make_number(number) for number in numbers])


def _power(base: Value, exponent: Value, modulus: Value | None = None) -> Value:
    if modulus is None:
        return raise_power(require_number(base), require_number(exponent))
    return make_number(pow(require_whole(base), require_whole(exponent), require_whole(modulus)))


def _factorial(value: Value) -> Value:
    if not 0 <= require_whole(value) <= _MOST_FACTORIAL:
        raise NotEvaluable
    return make_number(math.factorial(require_whole(value)))


def _choices(count: Callable[[int, int], int]) -> Callable[..., Value]:
    def choose(n: Value, k: Value) -> Value:
        if not 0 <= require_whole(n) <= _MOST_CHOSEN:
            raise NotEvaluable
        return make_number(count(require_whole(n), require_whole(k)))

    return choose


def _divmod(left: Value, right: Value) -> Value:
    a, b = require_number(left), require_number(right)
    return make_list([apply_operator("//", a, b), apply_operator("%", a, b)])


def _truths(value: Value) -> list[bool]:
    if not all(isinstance(each, bool) for each in read_items(value)):
        raise NotEvaluable
    return [each is True for each in read_items(value)]


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "abs": (1, 1, _absolute),
    "all": (1, 1, lambda value: all(_truths(value))),
    "any": (1, 1, lambda value: any(_truths(value))),
    "bin": (1, 1, lambda value: make_string(bin(require_whole(value)))),
    "ceil": (1, 1, _rounded(math.ceil)),
    "chr": (1, 1, lambda value: chr(require_whole(value))),
    "comb": (2, 2, _choices(math.comb)),
    "divmod": (2, 2, _divmod),
    "factorial": (1, 1, _factorial),
    "float": (1, 1, _float),
    "floor": (1, 1, _rounded(math.floor)),
    "gcd": (1, 20, _fold(math.gcd)),
    "int": (1, 2, _integer),
    "lcm": (1, 20, _fold(math.lcm)),
    "len": (1, 1, _length),
    "list": (1, 1, lambda value: make_list(read_items(value))),
    "max": (1, 20, _extreme(max)),
    "min": (1, 20, _extreme(min)),
    "ord": (1, 1, lambda value: make_number(ord("".join(map(_character, read_items(value)))))),
    "perm": (2, 2, _choices(math.perm)),
    "pow": (2, 3, _power),
    "range": (1, 3, _range),
    "reversed": (1, 1, _reverse),
    "round": (1, 2, _round),
    "sorted": (1, 1, sort_values),
    "sqrt": (1, 1, lambda value: take_root(require_number(value), 2)),
    "str": (1, 1, _string),
    "sum": (1, 2, _sum),
}
"""Name to least and most arguments, and the function."""


def _character(value: Value) -> str:
    if not isinstance(value, str):
        raise NotEvaluable
    return value

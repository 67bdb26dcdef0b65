"""The methods of strings and lists that an expression can call; each returns a new value."""

from __future__ import annotations

from collections.abc import Callable

from rm_local.engine.calculator.calculator_functions import require_items_or_characters
from rm_local.engine.calculator.calculator_limits import STRING, NotEvaluableError
from rm_local.engine.calculator.calculator_values import (
    ListValue,
    Value,
    make_limited_list,
    make_limited_number,
    require_short_string,
)


def require_string(value: Value) -> str:
    """Return `value` if it is a string.

    Raises:
        NotEvaluableError: The value has another type.
    """
    if not isinstance(value, str):
        raise NotEvaluableError
    return value


def are_values_equal(left: Value, right: Value) -> bool:
    """Return whether two of the calculator's values are equal; those of different types are not."""
    if isinstance(left, ListValue) and isinstance(right, ListValue):
        pairs = zip(left.items, right.items, strict=False)
        return len(left.items) == len(right.items) and all(are_values_equal(a, b) for a, b in pairs)
    if isinstance(left, bool | str | ListValue) or isinstance(right, bool | str | ListValue):
        return type(left) is type(right) and left == right
    return left.value == right.value


def _make_string_method(change: Callable[[str], str]) -> Callable[..., Value]:
    """Make a method without arguments that returns a new string."""
    return lambda owner: require_short_string(change(owner))


def _make_predicate_method(question: Callable[[str], bool]) -> Callable[..., Value]:
    """Make a method without arguments that returns a boolean."""
    return lambda owner: question(owner)


def _join_strings(owner: str, values: Value) -> Value:
    parts = [require_string(each) for each in require_items_or_characters(values)]
    if sum(map(len, parts)) + len(owner) * len(parts) > 2 * STRING:
        raise NotEvaluableError
    return require_short_string(owner.join(parts))


def _split_string(owner: str, separator: Value | None = None) -> Value:
    parts = owner.split(None if separator is None else require_string(separator))
    return make_limited_list([require_short_string(part) for part in parts])


def _count_matches(owner: Value, wanted: Value) -> Value:
    if isinstance(owner, str):
        return make_limited_number(owner.count(require_string(wanted)))
    return make_limited_number(
        sum(are_values_equal(each, wanted) for each in require_items_or_characters(owner))
    )


def _find_index_or_raise(owner: Value, wanted: Value) -> Value:
    if isinstance(owner, str):
        return make_limited_number(owner.index(require_string(wanted)))
    found = (
        place
        for place, each in enumerate(require_items_or_characters(owner))
        if are_values_equal(each, wanted)
    )
    return make_limited_number(next(found))


def _replace_text(owner: str, old: Value, new: Value) -> Value:
    return require_short_string(owner.replace(require_string(old), require_string(new)))


_STRIP: dict[str, Callable[..., str]] = {
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
}
STRING_METHODS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    **{
        name: (0, 0, _make_string_method(change))
        for name, change in {
            "capitalize": str.capitalize,
            "lower": str.lower,
            "swapcase": str.swapcase,
            "title": str.title,
            "upper": str.upper,
            **_STRIP,
        }.items()
    },
    **{
        name: (0, 0, _make_predicate_method(question))
        for name, question in {
            "isalpha": str.isalpha,
            "isdigit": str.isdigit,
            "islower": str.islower,
            "isupper": str.isupper,
        }.items()
    },
    "count": (1, 1, _count_matches),
    "endswith": (1, 1, lambda owner, end: owner.endswith(require_string(end))),
    "find": (1, 1, lambda owner, wanted: make_limited_number(owner.find(require_string(wanted)))),
    "index": (1, 1, _find_index_or_raise),
    "join": (1, 1, _join_strings),
    "replace": (2, 2, _replace_text),
    "split": (0, 1, _split_string),
    "startswith": (1, 1, lambda owner, start: owner.startswith(require_string(start))),
}
"""Name of a string's method -> minimum and maximum number of arguments, and the function."""
LIST_METHODS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "count": (1, 1, _count_matches),
    "index": (1, 1, _find_index_or_raise),
}
"""Name of a list's method -> minimum and maximum number of arguments, and the function."""

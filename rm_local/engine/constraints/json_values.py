"""Values in JSON schemas: their types, and numbers that JSON cannot contain."""

from __future__ import annotations

from math import isfinite
from typing import Any, NoReturn


def has_allowed_type(value: Any, kinds: Any) -> bool:
    """Return whether a value is of one of the types `kinds`, or of that type."""
    names = {_name_type(value)}
    if "number" in names and value == int(value):
        names.add("integer")
    return not names.isdisjoint(kinds if isinstance(kinds, list) else [kinds])


def _name_type(value: Any) -> str:
    """Return JSON Schema's name for the type of a value; `number` for integers, too."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def parse_finite(text: str) -> float:
    """Parse a number of the schema.

    Raises:
        ValueError: It is too large, so that the grammar would contain no number for it.
    """
    number = float(text)
    return number if isfinite(number) else refuse_constant(text)


def refuse_constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not contain.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{text[:20]} is not a number in JSON")

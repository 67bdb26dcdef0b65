"""Values of a schema that its own keywords forbid: left out, or refused, never written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rm_local.engine import grammar_from_schema
from rm_local.errors import UsageError


def root(schema: Any) -> str:
    """The right side of the rule `root`."""
    text = schema if isinstance(schema, str) else json.dumps(schema)
    lines = grammar_from_schema(text).splitlines()
    return next(line for line in lines if line.startswith("root ::= ")).removeprefix("root ::= ")


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({"type": "integer", "enum": [1, "a", 2.0, 2.5, True, None]}, '"1" | "2.0"'),
        ({"type": "number", "enum": [1, False, 2.5]}, '"1" | "2.5"'),
        ({"type": ["null", "boolean"], "enum": [None, 0, 1, True]}, '"null" | "true"'),
        ({"type": "array", "enum": [{}, [], "[]"]}, '"[]"'),
        ({"type": "object", "const": {}}, '"{}"'),
        ({"type": ["string", "null"], "const": None}, '"null"'),
    ],
)
def test_of_an_enum_only_values_of_the_type_are_written(schema: Any, written: str) -> None:
    """True is no number, and 2.0 is an integer, as JSON Schema has it."""
    assert root(schema) == written


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "enum": [5, None]},
        {"type": "integer", "const": "five"},
        {"type": "boolean", "enum": [0, 1]},
        {"type": "integer", "const": True},
        {"type": [], "const": 1},
        {"type": "nothing", "enum": [1]},
        {"type": {"a": 1}, "const": 1},
        {"type": "array", "items": False, "minItems": 1},
        {"type": "array", "minItems": 3, "maxItems": 2},
        {"type": "string", "minLength": 2, "maxLength": 1},
        {"type": "object", "properties": {"a": {"type": "string", "const": 1}}},
        {"items": {"type": "null", "enum": [0]}},
        {"anyOf": [{"type": "null"}, {"type": "null", "const": 0}]},
        {"type": "object", "required": ["a"], "additionalProperties": False},
    ],
)
def test_keywords_that_contradict_one_another_are_refused(schema: Any) -> None:
    """With the place in the schema, wherever it is."""
    with pytest.raises(UsageError, match="#"):
        root(schema)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
def test_numbers_that_json_does_not_contain_are_refused(number: str) -> None:
    """They would be written into the answer as they stand."""
    with pytest.raises(UsageError, match="not a number in JSON"):
        root(f'{{"enum": [1, {number}]}}')

"""Grammars and JSON schemas: what is refused before llama.cpp sees it, and what is made."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from rm_local.engine.constraints.gbnf import MAX_CHARACTERS, MAX_DEPTH, check_grammar_is_safe
from rm_local.engine.constraints.json_schema import grammar_from_schema
from rm_local.errors import UsageError


def made(schema: Any) -> dict[str, str]:
    """The rules that a schema becomes, by name."""
    lines = grammar_from_schema(json.dumps(schema)).splitlines()
    return dict(line.split(" ::= ", 1) for line in lines)


@pytest.mark.parametrize(
    ("grammar", "words"),
    [
        (" \n", "is empty"),
        ("x" * (MAX_CHARACTERS + 1), "65,537 characters"),
        ('root ::= "a\0"', "zero byte"),
        ("root ::= " + "(" * 200_000 + '"a"' + ")" * 200_000, "characters"),
        ("root ::= " + "(" * (MAX_DEPTH + 1) + '"a"', "deeper than 100"),
        ('root ::= "a"{5,2}', "repeats something {5,2} times"),
        ('root ::= "a"{ 5 , 2 }', "times"),
    ],
)
def test_what_llama_cpp_crashes_on_or_never_ends_with_is_refused(grammar: str, words: str) -> None:
    """Each has its own message, and says what to do."""
    with pytest.raises(UsageError, match="The grammar") as caught:
        check_grammar_is_safe(grammar)

    assert words in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= "a" | "b" root',
        'root ::= "' + "(" * 500 + '" [(((]{2,5} # ((( {5,2}',
        'root ::= "\\"((" "a"{2,2} | "{5,2}"',
        "root ::= [\\](]" + "(" * MAX_DEPTH + '"é漢"' + ")" * MAX_DEPTH,
    ],
)
def test_brackets_in_texts_classes_and_comments_do_not_count(grammar: str) -> None:
    """What only looks like a bracket or a repetition is no reason to refuse."""
    check_grammar_is_safe(grammar)


def test_an_object_has_its_properties_in_order() -> None:
    """A rule for each property; those that are not required may be left out."""
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b\n": {"enum": ["x", None]}},
        "required": ["a"],
    }

    rules = made(schema)

    assert rules["root"] == '"{" ws o0f0 "}"'
    assert rules["o0p0"] == r'"\"a\"" ":" gap integer'
    assert rules["o0p1"] == r'"\"b\\n\"" ":" gap v1'
    assert rules["v1"] == r'"\"x\"" | "null"'
    assert (rules["o0f0"], rules["o0l1"]) == ("o0p0 o0l1", '"," ws o0p1 ws | ws')


def test_a_schema_may_refer_to_itself() -> None:
    """A tree becomes a rule that names itself."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/a~1b"}}}

    rules = made({"$defs": {"a/b": node}, "$ref": "#/$defs/a~1b"})

    assert rules["root"] == "r0"
    assert rules["r0"] == '"{" ws o0f0 "}"'
    assert rules["o0p0"].endswith("gap r0")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "pattern": "^a$"}, "#/pattern is a keyword that is not supported"),
        ({"type": "integer", "minimum": 3}, "#/minimum is not 0"),
        ({"type": "number", "maximum": 3}, "#/maximum"),
        ({"properties": {"a": {"not": {}}}}, "#/properties/a/not"),
        ({"type": "array", "uniqueItems": True}, "#/uniqueItems"),
        ({"type": "thing"}, '#/type is "thing"'),
        ({"type": []}, "allows no type"),
        ({"type": "object", "required": ["a"]}, "'a', which is not in `properties`"),
        ({"type": "object", "required": [[]]}, "`required` as a list"),
        ({"type": "string", "minLength": 4, "maxLength": 2}, "no valid range"),
        ({"type": "string", "minLength": -1}, "no valid range"),
        ({"$ref": "https://example.org/x.json"}, "not a place in this schema"),
        ({"$ref": "#/$defs/gone"}, "points to #/$defs/gone, which does not exist"),
        ({"$ref": "#", "type": "object"}, "#/type"),
        ({"$ref": "#"}, "refers to itself"),
        ({"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "refers to itself"),
        (
            {
                "$ref": "#/$defs/a",
                "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
            },
            "refers to itself",
        ),
        ({"type": "array", "items": {"$ref": "#/items"}}, "refers to itself"),
        ({"anyOf": []}, "is not a list of schemas"),
        ({"enum": "ab"}, "is not a list of values"),
        ({"allOf": [{}, {}]}, "holds more than one"),
        ({"prefixItems": [{}], "minItems": 2}, "is combined with"),
        (False, "is false"),
        ([], "is []"),
    ],
)
def test_what_a_grammar_cannot_say_is_refused_with_its_place(schema: Any, words: str) -> None:
    """A keyword that restricts is never skipped in silence."""
    with pytest.raises(UsageError) as caught:
        made(schema)

    assert words in caught.value.message


@pytest.mark.parametrize("text", ["", "{", '{"const": "\\ud800"}', "[" * 100_000])
def test_a_text_that_is_no_schema_is_refused(text: str) -> None:
    """No JSON, half a character, nested without end: a message, and no traceback."""
    with pytest.raises(UsageError, match="The schema"):
        grammar_from_schema(text)


def test_a_call_that_does_not_come_back_ends_the_process_with_a_sentence() -> None:
    """The watchdog counts the process's own time, and writes last words to descriptor 2."""
    script = (
        "from rm_local.engine.worker.decoding.watchdog import Watchdog\n"
        "dog = Watchdog(0.05, 'It took too long.')\n"
        "with dog: pass\n"
        "with dog:\n"
        "    while True: pass\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert done.returncode == 1
    assert done.stderr == b"\nIt took too long.\n"

"""Fills the slots of wordings and worked steps, and evaluates calculations in the steps."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from fractions import Fraction

from models.curriculum.draws import read_vocabulary
from models.curriculum.families import format_answer_value
from rm_local.engine import evaluate_expression

PEOPLE = ("name", "name2", "name3")
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
_CALCULATION = re.compile(r"<<(.+?)>>")
_CODE = re.compile(r"print|return|def |[=\[\]`;_]|\w\(")
"""Pattern of texts with code, whose numbers are left unchanged."""
_GROUPED = 0.25
"""Share of questions in which numbers of four digits or more have commas."""
_SPELLED = 0.06
"""Share of questions in which small numbers are written as words."""


class InvalidSlotError(Exception):
    """A slot or a calculation has no value."""


def fill_wording(rng: random.Random, wording: str, values: Mapping[str, object]) -> str:
    """Fill the slots of the wording with `values`.

    Names, things, places and the numbers `{x}` and `{y}`, on which nothing depends, are drawn.

    Raises:
        InvalidSlotError: A slot has no value.
    """
    people = rng.sample(read_vocabulary("names"), len(PEOPLE))
    scope: dict[str, object] = {
        **dict(zip(PEOPLE, people, strict=True)),
        "thing": rng.choice(read_vocabulary("things")),
        "place": rng.choice(read_vocabulary("places")),
        "x": rng.randint(2, 40),
        "y": rng.randint(2, 40),
        **values,
    }
    code = _CODE.search(wording) is not None
    grouped = rng.random() < _GROUPED and not code
    spelled = rng.random() < _SPELLED and not code

    def fill(match: re.Match[str]) -> str:
        value = _get_value(scope, match[1])
        before, after = match.string[: match.start()][-1:], match.string[match.end() :][:2]
        alone = before in ("", " ") and re.match(r" [a-z]", after) is not None
        if spelled and alone and type(value) is int and 2 <= value <= 12:
            return read_vocabulary("numerals")[value]
        return _format_list(value, match[2]) if match[2] else _format_value(value, grouped)

    text = _SLOT.sub(fill, wording)
    return text[:1].upper() + text[1:] if wording[:1] == "{" else text


def fill_work(work: str, values: Mapping[str, object]) -> str:
    """Fill the slots of the steps and add the result to each calculation.

    Slots `{1}`, `{2}` refer to earlier results.

    Raises:
        InvalidSlotError: A slot or a calculation has no value.
    """
    results: dict[str, object] = {}
    done: list[str] = []
    at = 0
    for match in _CALCULATION.finditer(work):
        done.append(_fill_plain(work[at : match.start()], {**values, **results}))
        expression = _fill_expression(match[1], {**values, **results})
        result = evaluate_expression(expression)
        if result is None:
            raise InvalidSlotError(f"The calculator has no value for {expression}.")
        results[str(len(results) + 1)] = result
        done.append(f"<<{expression}={result}>>")
        at = match.end()
    return "".join([*done, _fill_plain(work[at:], {**values, **results})])


def _fill_plain(text: str, scope: Mapping[str, object]) -> str:
    return _SLOT.sub(
        lambda m: (
            _format_list(_get_value(scope, m[1]), m[2])
            if m[2]
            else _format_value(_get_value(scope, m[1]))
        ),
        text,
    )


def _fill_expression(text: str, scope: Mapping[str, object]) -> str:
    """Fill the slots of a calculation; negative numbers and fractions get brackets at operators."""

    def fill(match: re.Match[str]) -> str:
        shown = _format_value(_get_value(scope, match[1]))
        number = re.fullmatch(r"-\d+(\.\d+)?|-?\d+/\d+", shown) is not None
        before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
        beside = bool(re.search(r"[-+*/%]$", before)) or after[:1] in ("*", "/", "%")
        return f"({shown})" if number and beside else shown

    return _SLOT.sub(fill, text)


def _get_value(scope: Mapping[str, object], name: str) -> object:
    if name not in scope:
        raise InvalidSlotError(f"There is no value for {{{name}}}.")
    return scope[name]


def _format_value(value: object, grouped: bool = False) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(repr(v) if isinstance(v, str) else _format_value(v) for v in value)}]"
    text = format_answer_value(value)
    if grouped and isinstance(value, int | Fraction) and re.fullmatch(r"\d{4,}(\.\d+)?", text):
        whole, point, rest = text.partition(".")
        return f"{int(whole):,}{point}{rest}"
    return text


def _format_list(value: object, style: str) -> str:
    """Format a list in a style: `and` 3, 5 and 8; `comma` 3, 5, 8; `space` 3 5 8.

    The style `lower` puts any value in lower case.

    Raises:
        InvalidSlotError: The value is not a list, or the style is unknown.
    """
    if style == "lower":
        return str(value).lower()
    if not isinstance(value, list):
        raise InvalidSlotError(f"{value} is no list.")
    items = [_format_value(item) for item in value]
    match style:
        case "and":
            return " and ".join([", ".join(items[:-1]), items[-1]] if items[1:] else items)
        case "comma":
            return ", ".join(items)
        case "space":
            return " ".join(items)
        case _:
            raise InvalidSlotError(f"There is no way of writing called {style}.")

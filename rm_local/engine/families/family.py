"""A family of models, as a TOML table describes it: the shipped `families.toml`, or a user's file.

docs/reference/models-thinking.md lists the keys and what they mean.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from rm_local.engine.families.markers import THINK, Markers

_SHIPPED = Path(__file__).with_name("families.toml")
_MARKERS = {each.name for each in fields(Markers)}
Match = Mapping[str, str]
"""Conditions that must all hold: `architecture` (equal), `name` (a pattern), `template` (held)."""


class BadTable(ValueError):
    """A table is no family. `key` is the one that is wrong."""

    def __init__(self, key: str, allowed: str) -> None:
        super().__init__(f"{key!r} has to be {allowed}")
        self.key = key


@dataclass(frozen=True, slots=True)
class Family:
    """How models of one family are told, asked to think, and read."""

    name: str
    title: str = ""
    match: tuple[Match, ...] = ()
    """It is this family when one of these holds."""
    thinks: bool = True
    firm: bool = False
    """Does not think, whatever its template holds."""
    markers: Markers = THINK
    lead: str = ""
    """Put before the opening, where the template leaves it to the model."""
    after: str = "\n"
    """Put behind the opening, likewise."""
    skip: str | None = None
    """Put behind the prompt for an answer without thinking; None = an empty block."""
    on: Mapping[str, Any] = field(default_factory=dict)
    """Variables of the template with thinking on."""
    off: Mapping[str, Any] = field(default_factory=dict)
    """Variables of the template with thinking off."""
    system_on: str = ""
    """What the system prompt has to begin with, to have the model think."""
    system_off: str = ""
    """Likewise, to have it not think."""
    effort: str = ""
    """Variable of the template that says how much it is to think."""
    efforts: tuple[str, ...] = ()
    """Values of that variable."""
    calculator: bool = False
    """Whether it leaves `<<expression=` to the calculator (docs/design/calculator.md)."""

    @property
    def opens_with(self) -> str:
        """What opens the thinking block behind a prompt that does not."""
        return f"{self.lead}{self.markers.opening}{self.after}"

    @property
    def skips_with(self) -> str:
        """What stands behind a prompt when nothing is to be thought."""
        if self.skip is not None:
            return self.skip
        return f"{self.lead}{self.markers.opening}\n\n{self.markers.closing}\n\n"

    def matches(self, architecture: str, name: str, template: str) -> bool:
        """Whether a model with this architecture, name and chat template is one of the family."""
        return any(
            each.get("architecture", architecture) == architecture
            and re.search(each.get("name", ""), name, re.IGNORECASE)
            and each.get("template", "") in template
            for each in self.match
        )


@cache
def shipped() -> tuple[Family, ...]:
    """The families that rm-local knows, in the order in which they are asked."""
    return tuple(build(table, Family(table["name"])) for table in _read().get("family", []))


@cache
def pairs() -> tuple[Markers, ...]:
    """Openings and closings that the template of an unknown model is searched for, in order."""
    return tuple(Markers(opening, closing) for opening, closing in _read()["pairs"])


def build(table: Mapping[str, Any], base: Family) -> Family:
    """The family that `table` makes of `base`. BadTable when a key or its value is wrong."""
    values = {key: _checked(key, value) for key, value in table.items()}
    markers = {key: values.pop(key) for key in _MARKERS & set(values)}
    return replace(base, **values, markers=replace(base.markers, **markers))


def _checked(key: str, value: Any) -> Any:
    allowed, holds = _KINDS.get(key, (f"one of {', '.join(_KINDS)}", lambda _value: False))
    if not holds(value):
        raise BadTable(key, allowed)
    return tuple(value) if isinstance(value, list) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_pair(value: Any) -> bool:
    return _are_texts(value) and len(value) in (0, 2)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_values(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, str | int | float) for each in value.values()
    )


def _are_matches(value: Any) -> bool:
    known = {"architecture", "name", "template"}
    return isinstance(value, list) and all(
        isinstance(each, dict) and each and set(each) <= known and all(map(_is_text, each.values()))
        for each in value
    )


_TEXT = ("a text", _is_text)
_VALUES = ("a table of texts, numbers, true and false", _are_values)
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("name", "title", "opening", "closing", "header_end", "header_thinks"), _TEXT),
    **dict.fromkeys(("lead", "after", "skip", "system_on", "system_off", "effort"), _TEXT),
    **dict.fromkeys(("thinks", "firm", "calculator"), ("true or false", _is_flag)),
    "wrap": ("a list of two texts", _is_pair),
    "efforts": ("a list of texts", _are_texts),
    "on": _VALUES,
    "off": _VALUES,
    "match": ("a list of tables of architecture, name and template", _are_matches),
}


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))

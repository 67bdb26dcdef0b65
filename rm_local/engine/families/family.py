"""Families of models, as TOML tables in the shipped `families.toml` or in a user's file.

docs/reference/models-thinking.md explains the keys.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from rm_local.engine.families.markers import THINK, ThinkingMarkers

_SHIPPED = Path(__file__).with_name("families.toml")
_MARKERS = {each.name for each in fields(ThinkingMarkers)}
Match = Mapping[str, str]
"""Conditions that a model has to meet, all together.

`architecture` is equal to the model's, `name` (a regular expression) is found in its names,
`template` is contained in its chat template."""


class InvalidFamilyTableError(ValueError):
    """A key of a family's TOML table is unknown, or its value is invalid."""

    def __init__(self, key: str, allowed: str) -> None:
        super().__init__(f"{key!r} must be {allowed}")
        self.key = key


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: how to recognize them, and the format of their prompts and output."""

    name: str
    title: str = ""
    match: tuple[Match, ...] = ()
    """Alternative conditions; a model that meets one of them belongs to the family."""
    thinks: bool = True
    """Whether models of the family write thinking before their answer."""
    firm: bool = False
    """Whether `thinks` holds for a model even if its template contains thinking markers."""
    markers: ThinkingMarkers = THINK
    lead: str = ""
    """Text before the opening marker if the template does not open the thinking block."""
    after: str = "\n"
    """Text after the opening marker if the template does not open the thinking block."""
    skip: str | None = None
    """Text after the prompt for an answer without thinking; None = an empty thinking block."""
    on: Mapping[str, Any] = field(default_factory=dict)
    """Variables that the chat template gets if the model is to think."""
    off: Mapping[str, Any] = field(default_factory=dict)
    """Variables that the chat template gets if the model is not to think."""
    system_on: str = ""
    """Text at the start of the system prompt that turns thinking on."""
    system_off: str = ""
    """Text at the start of the system prompt that turns thinking off."""
    effort: str = ""
    """Name of the template variable that sets the reasoning effort; empty = there is none."""
    efforts: tuple[str, ...] = ()
    """Allowed levels of reasoning effort; empty = the family has no levels."""
    calculator: bool = False
    """Whether models of the family write `<<expression=` for the calculator
    (docs/design/calculator.md)."""

    @property
    def thinking_opening_text(self) -> str:
        """Text that opens the thinking block, after a prompt whose template does not open it."""
        return f"{self.lead}{self.markers.opening}{self.after}"

    @property
    def thinking_skip_text(self) -> str:
        """Text to add to the prompt so that the model answers without thinking."""
        if self.skip is not None:
            return self.skip
        return f"{self.lead}{self.markers.opening}\n\n{self.markers.closing}\n\n"

    def matches_model(self, architecture: str, name: str, template: str) -> bool:
        """Return whether a model with these properties belongs to the family."""
        return any(
            each.get("architecture", architecture) == architecture
            and re.search(each.get("name", ""), name, re.IGNORECASE)
            and each.get("template", "") in template
            for each in self.match
        )


@cache
def load_shipped_families() -> tuple[Family, ...]:
    """Load the families in the shipped TOML file; the first that matches a model is its family."""
    return tuple(
        build_family(table, Family(table["name"]))
        for table in _read_shipped_table().get("family", [])
    )


@cache
def load_fallback_marker_pairs() -> tuple[ThinkingMarkers, ...]:
    """Load the pairs of markers to look for in the template of a model of no known family."""
    return tuple(
        ThinkingMarkers(opening, closing) for opening, closing in _read_shipped_table()["pairs"]
    )


def build_family(table: Mapping[str, Any], base: Family) -> Family:
    """Build a family: a copy of `base` with the values in a TOML table in place of its own.

    Raises:
        InvalidFamilyTableError: A key or its value is invalid.
    """
    values = {key: _check_and_convert_value(key, value) for key, value in table.items()}
    markers = {key: values.pop(key) for key in _MARKERS & set(values)}
    return replace(base, **values, markers=replace(base.markers, **markers))


def _check_and_convert_value(key: str, value: Any) -> Any:
    """Check the value of a table's key; return it, with a list converted to a tuple.

    Raises:
        InvalidFamilyTableError: The key is unknown, or the value is invalid.
    """
    allowed, holds = _KINDS.get(key, (f"one of {', '.join(_KINDS)}", lambda _value: False))
    if not holds(value):
        raise InvalidFamilyTableError(key, allowed)
    return tuple(value) if isinstance(value, list) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_text_pair_or_empty(value: Any) -> bool:
    """Return whether a value is a list of two texts, or an empty list."""
    return _is_text_list(value) and len(value) in (0, 2)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_table_of_scalars(value: Any) -> bool:
    """Return whether a value is a table of texts, numbers and booleans."""
    return isinstance(value, dict) and all(
        isinstance(each, str | int | float) for each in value.values()
    )


def _is_match_list(value: Any) -> bool:
    """Return whether a value is a list of non-empty tables with the keys of `Match`."""
    known = {"architecture", "name", "template"}
    return isinstance(value, list) and all(
        isinstance(each, dict) and each and set(each) <= known and all(map(_is_text, each.values()))
        for each in value
    )


_TEXT = ("a string", _is_text)
_VALUES = ("a table of strings, numbers and booleans", _is_table_of_scalars)
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("name", "title", "opening", "closing", "header_end", "header_thinks"), _TEXT),
    **dict.fromkeys(("lead", "after", "skip", "system_on", "system_off", "effort"), _TEXT),
    **dict.fromkeys(("thinks", "firm", "calculator"), ("true or false", _is_boolean)),
    "wrap": ("a list of two strings", _is_text_pair_or_empty),
    "efforts": ("a list of strings", _is_text_list),
    "on": _VALUES,
    "off": _VALUES,
    "match": ("a list of tables of architecture, name and template", _is_match_list),
}


@cache
def _read_shipped_table() -> dict[str, Any]:
    return tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))

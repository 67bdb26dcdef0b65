"""Calculations in a text: `<<12*12=144>>`, as written by a model that uses the calculator."""

from __future__ import annotations

import re

_CALCULATION = re.compile(
    r"<<(?:(?!<<)[^\n]){1,200}?=(?P<result>[^=\n]{1,120}?)>>"
    r"(?:[ ]?(?P=result)(?![.]?\d))?"  # the result repeated, not the start of a longer number
)


def drop_calculations(text: str) -> str:
    """Replace each calculation by its result, also where the result is repeated after it.

    `<<12*12=144>> apples` and `<<12*12=144>>144 apples` are both `144 apples`.
    """
    return _CALCULATION.sub(_format_result, text)


def _format_result(match: re.Match[str]) -> str:
    """The result, followed by a space if a digit comes next."""
    return match["result"] + " " * match.string[match.end() :][:1].isdigit()

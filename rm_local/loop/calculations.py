"""Calculations in a text: `<<12*12=144>>`, as a model writes them that uses the calculator."""

from __future__ import annotations

import re

_CALCULATION = re.compile(
    r"<<(?:(?!<<)[^\n]){1,200}?=(?P<result>[^=\n]{1,120}?)>>"
    r"(?:[ ]?(?P=result)(?![.]?\d))?"  # written once more, not as the beginning of another number
)


def drop_calculations(text: str) -> str:
    """The text with each result in place of its calculation, also where it stands behind it again.

    `<<12*12=144>> apples` and `<<12*12=144>>144 apples` are both `144 apples`.
    """
    return _CALCULATION.sub(_take_result, text)


def _take_result(match: re.Match[str]) -> str:
    """The result, parted from a number that follows at once."""
    return match["result"] + " " * match.string[match.end() :][:1].isdigit()

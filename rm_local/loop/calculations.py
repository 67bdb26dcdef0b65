"""Removes the calculator's notation `<<12*12=144>>` from a model's text."""

from __future__ import annotations

import re

_CALCULATION = re.compile(
    r"<<(?:(?!<<)[^\n]){1,200}?=(?P<result>[^=\n]{1,120}?)>>"
    r"(?:[ ]?(?P=result)(?![.]?\d))?"  # the result repeated, not the start of a longer number
)


def replace_calculation_marks_by_results(text: str) -> str:
    """Replace each calculation, and a repetition of its result after it, by the result.

    `<<12*12=144>> apples` and `<<12*12=144>>144 apples` are both `144 apples`.
    """
    return _CALCULATION.sub(_format_calculation_result, text)


def _format_calculation_result(match: re.Match[str]) -> str:
    """Return the result of the match; with a space after it if a digit follows."""
    return match["result"] + " " * match.string[match.end() :][:1].isdigit()

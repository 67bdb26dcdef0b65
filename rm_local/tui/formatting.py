"""How numbers and texts look in the app. Plain functions: no widget, no theme."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from rm_local.records import Hit
from rm_local.text import clean, one_line

__all__ = [
    "bar",
    "count",
    "dim_spans",
    "name",
    "one_line",
    "origin",
    "plain",
    "rate",
    "seconds",
    "shorten",
]
FORCED = "$foreground 35%"
"""Style of what the calculator wrote."""


def seconds(value: float | None) -> str:
    """`12 ms`, `3.2 s` or `1 m 05 s`; nothing for None."""
    if value is None:
        return ""
    if 0 < value < 0.95:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} m {rest:02d} s"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 hit`, `1,024 hits`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def rate(tokens_a_second: float) -> str:
    """`41 tok/s`; one decimal below ten; nothing before there is a rate."""
    if tokens_a_second <= 0:
        return ""
    return (
        f"{tokens_a_second:.0f} tok/s" if tokens_a_second >= 10 else f"{tokens_a_second:.1f} tok/s"
    )


def bar(share: float, width: int) -> tuple[str, str]:
    """The filled and the empty part of a bar of `width` cells for a share of 0 to 1."""
    filled = round(max(0.0, min(1.0, share)) * width)
    return "━" * filled, "─" * (width - filled)


def plain(text: str, style: str = "") -> Content:
    """Cleaned text that nothing in it can style."""
    return Content.styled(clean(text), style) if style else Content(clean(text))


def dim_spans(text: str, spans: Sequence[tuple[int, int]], style: str = "") -> Content:
    """`plain`, with what the calculator wrote at these places dim."""
    if not spans:
        return plain(text, style)
    parts: list[Content] = []
    place = 0
    for start, end in spans:
        start, end = max(place, start), min(len(text), end)
        if start < end:
            parts += [plain(text[place:start], style), plain(text[start:end], FORCED)]
            place = end
    return Content("").join([*parts, plain(text[place:], style)])


def name(hint: Hit | None) -> str:
    """What a branch is called: its hint's subproblem."""
    return one_line(hint.entry.subproblem) if hint else "no hint"


def origin(hit: Hit) -> str:
    """`math · hand/fractions`."""
    return " · ".join(one_line(part) for part in (hit.entry.domain, hit.entry.source) if part)


def shorten(text: str, width: int, *, pad: bool = False) -> str:
    """Text of at most `width` cells, with an ellipsis where it was cut; `pad` fills it up."""
    return Content(text).truncate(max(0, width), ellipsis=True, pad=pad).plain

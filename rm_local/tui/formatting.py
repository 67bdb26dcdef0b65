"""Formats numbers and texts for the app, without widgets or themes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from rm_local.records import Hit
from rm_local.text import one_line, sanitize_for_terminal

__all__ = [
    "format_bar_parts",
    "format_hint_subproblem_or_no_hint",
    "format_rate",
    "format_seconds",
    "format_store_domain_and_source",
    "one_line",
    "sanitize_and_dim_spans",
    "sanitize_to_content",
    "shorten_text",
]
FORCED = "$foreground 35%"
"""Textual style (dim) of text that the calculator inserted."""


def format_seconds(value: float | None) -> str:
    """Format seconds as `12 ms`, `3.2 s` or `1 m 05 s`; None as an empty string."""
    if value is None:
        return ""
    if 0 < value < 0.95:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} m {rest:02d} s"


def format_rate(tokens_a_second: float) -> str:
    """Format a rate as `41 tok/s`, below ten with one decimal; empty if it is not positive."""
    if tokens_a_second <= 0:
        return ""
    return (
        f"{tokens_a_second:.0f} tok/s" if tokens_a_second >= 10 else f"{tokens_a_second:.1f} tok/s"
    )


def format_bar_parts(share: float, width: int) -> tuple[str, str]:
    """Return the filled and the empty part of a bar of `width` cells; `share` is 0 to 1."""
    filled = round(max(0.0, min(1.0, share)) * width)
    return "━" * filled, "─" * (width - filled)


def sanitize_to_content(text: str, style: str = "") -> Content:
    """Sanitize the text and convert it to content; markup in it is shown literally."""
    return (
        Content.styled(sanitize_for_terminal(text), style)
        if style
        else Content(sanitize_for_terminal(text))
    )


def sanitize_and_dim_spans(text: str, spans: Sequence[tuple[int, int]], style: str = "") -> Content:
    """Sanitize the text and dim its parts `spans` (start, end), inserted by the calculator.

    `style` is for the other parts.
    """
    if not spans:
        return sanitize_to_content(text, style)
    parts: list[Content] = []
    place = 0
    for start, end in spans:
        start, end = max(place, start), min(len(text), end)
        if start < end:
            parts += [
                sanitize_to_content(text[place:start], style),
                sanitize_to_content(text[start:end], FORCED),
            ]
            place = end
    return Content("").join([*parts, sanitize_to_content(text[place:], style)])


def format_hint_subproblem_or_no_hint(hint: Hit | None) -> str:
    """Return the hint's subproblem on one line, or "no hint" for None."""
    return one_line(hint.entry.subproblem) if hint else "no hint"


def format_store_domain_and_source(hit: Hit) -> str:
    """Format store, domain and source of a hit: `math · hand`; empty parts are left out."""
    parts = (hit.store, hit.entry.domain, hit.entry.source)
    return " · ".join(one_line(part) for part in parts if part)


def shorten_text(text: str, width: int, *, pad: bool = False) -> str:
    """Cut the text to `width` cells, with an ellipsis; `pad` fills shorter text with blanks."""
    return Content(text).truncate(max(0, width), ellipsis=True, pad=pad).plain

"""Formats sizes, durations, counts and large numbers for people."""

from __future__ import annotations

_BYTE_UNITS = ("B", "KB", "MB", "GB", "TB")


def format_bytes(count: float, decimals: int = 1) -> str:
    """Format a number of bytes with the largest decimal unit not above it: `900 B`, `4.7 GB`.

    The unit is chosen after rounding: 999,960 bytes are `1.0 MB`.
    """
    for unit in _BYTE_UNITS:
        shown_decimals = 0 if unit == "B" else decimals
        if round(count, shown_decimals) < 1000 or unit == _BYTE_UNITS[-1]:
            break
        count /= 1000
    return f"{count:.{shown_decimals}f} {unit}"


def format_duration(seconds: float) -> str:
    """Format a duration in seconds as text: `40 s`, `12 min`, `3 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Format a number with its noun: `1 hit`, `1,024 hits`. The default plural appends an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def format_parameter_count(count: int) -> str:
    """Format a model's number of parameters in its usual form: `4.0B`, `494M`."""
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            scaled = count / unit
            return f"{scaled:.1f}{letter}" if scaled < 100 else f"{scaled:.0f}{letter}"
    return str(count)

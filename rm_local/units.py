"""Sizes, durations and large numbers as people read them."""

from __future__ import annotations

_BYTE_UNITS = ("B", "KB", "MB", "GB", "TB")


def format_bytes(count: float, decimals: int = 1) -> str:
    """Format bytes in the largest unit of 1,000 that leaves at least 1: `900 B`, `4.7 GB`."""
    for unit in _BYTE_UNITS:
        if count < 1000 or unit == _BYTE_UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.{decimals}f} {unit}"


def format_duration(seconds: float) -> str:
    """Format a duration: `40 s`, `12 min`, `3 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def format_parameters(count: int) -> str:
    """Format a model's number of parameters in its usual form: `4.0B`, `494M`."""
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            scaled = count / unit
            return f"{scaled:.1f}{letter}" if scaled < 100 else f"{scaled:.0f}{letter}"
    return str(count)

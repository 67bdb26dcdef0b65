"""Wilson's 95 % interval of a share."""

from __future__ import annotations

Z = 1.96
"""Standard deviations between the middle and the bounds of a 95 % interval."""


def compute_wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Return the bounds, 0 to 1, of the 95 % interval of `right / count`; `count` is positive."""
    share, z2 = right / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    width = Z * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5 / (1 + z2 / count)
    return max(0.0, middle - width), min(1.0, middle + width)


def format_share_cells(right: int, count: int) -> str:
    """Format three cells of a Markdown row: count, share, interval; dashes for a count of 0."""
    if not count:
        return "0 | - | -"
    low, high = compute_wilson_interval(right, count)
    return f"{count} | {right / count:.1%} | {low:.1%} to {high:.1%}"

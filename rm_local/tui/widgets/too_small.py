"""What stands in a window that is too small for anything else."""

from __future__ import annotations

from textual.widgets import Static

LEAST_WIDTH = 60
LEAST_HEIGHT = 16


class TooSmall(Static):
    """One line; the style sheet shows it, and hides the rest, below the least size."""

    def __init__(self) -> None:
        super().__init__(
            f"make the window larger (at least {LEAST_WIDTH}x{LEAST_HEIGHT})", markup=False
        )

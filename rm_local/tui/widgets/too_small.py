"""The widget shown instead of the app in a window below the minimum size."""

from __future__ import annotations

from textual.widgets import Static

LEAST_WIDTH = 60
LEAST_HEIGHT = 16


class TooSmall(Static):
    """One-line message; the style sheet shows only it in windows below the minimum size."""

    def __init__(self) -> None:
        super().__init__(
            f"make the window larger (at least {LEAST_WIDTH}x{LEAST_HEIGHT})", markup=False
        )

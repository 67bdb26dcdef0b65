"""Records which parts of a text were forced, while the text passes through a buffer."""

from __future__ import annotations

from collections import deque


class TextOrigins:
    """Follows a text through a buffer that returns it later, in order and without gaps."""

    def __init__(self) -> None:
        self._spans: deque[tuple[int, bool]] = deque()
        """Numbers of characters in the buffer, and whether they were forced."""

    def add_span(self, characters: int, *, forced: bool) -> None:
        """Record that so many characters entered the buffer."""
        if characters:
            self._spans.append((characters, forced))

    def take_spans(self, text: str) -> list[tuple[str, bool]]:
        """Split text that left the buffer where its origin changes; True = it was forced."""
        parts: list[tuple[str, bool]] = []
        while text and self._spans:
            characters, forced = self._spans.popleft()
            parts.append((text[:characters], forced))
            if characters > len(text):
                self._spans.appendleft((characters - len(text), forced))
            text = text[characters:]
        return parts

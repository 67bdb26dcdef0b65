"""Records the forced parts of a text while it passes through a buffer."""

from __future__ import annotations

from collections import deque


class TextOrigins:
    """Records whether the text in a buffer was forced; the text has to leave it in order."""

    def __init__(self) -> None:
        self._spans: deque[tuple[int, bool]] = deque()
        """Parts of the text in the buffer: number of characters, and whether they were forced."""

    def add_span(self, characters: int, *, forced: bool) -> None:
        """Record that `characters` characters entered the buffer."""
        if characters:
            self._spans.append((characters, forced))

    def take_spans(self, text: str) -> list[tuple[str, bool]]:
        """Split a text that left the buffer into parts that were forced (True) or not (False)."""
        parts: list[tuple[str, bool]] = []
        while text and self._spans:
            characters, forced = self._spans.popleft()
            parts.append((text[:characters], forced))
            if characters > len(text):
                self._spans.appendleft((characters - len(text), forced))
            text = text[characters:]
        return parts

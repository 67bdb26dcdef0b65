"""Who wrote which piece of a text, told when the text comes out of a buffer that held it back."""

from __future__ import annotations

from collections import deque


class TextOrigins:
    """Follows a text through a buffer that passes it on later, in order and without gaps."""

    def __init__(self) -> None:
        self._spans: deque[tuple[int, bool]] = deque()
        """Characters in the buffer, and whether they were forced."""

    def put(self, characters: int, *, forced: bool) -> None:
        """Note that so many characters went in."""
        if characters:
            self._spans.append((characters, forced))

    def take(self, text: str) -> list[tuple[str, bool]]:
        """The text that came out, cut where its origin changes; True marks what was forced."""
        parts: list[tuple[str, bool]] = []
        while text and self._spans:
            characters, forced = self._spans.popleft()
            parts.append((text[:characters], forced))
            if characters > len(text):
                self._spans.appendleft((characters - len(text), forced))
            text = text[characters:]
        return parts

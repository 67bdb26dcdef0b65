"""Records which parts of a branch's text were forced, while the text waits in a buffer."""

from __future__ import annotations

from collections import deque


class ForcedTextTracker:
    """Records which characters in a first-in, first-out text buffer were forced, not sampled."""

    def __init__(self) -> None:
        self._spans: deque[tuple[int, bool]] = deque()
        """Parts of the text in the buffer: number of characters, and whether they were forced."""

    def add_span(self, characters: int, *, forced: bool) -> None:
        """Record that so many characters, all forced or all sampled, have entered the buffer."""
        if characters:
            self._spans.append((characters, forced))

    def take_spans(self, text: str) -> list[tuple[str, bool]]:
        """Split a text that has left the buffer into parts, each with whether it was forced.

        The recorded spans of the text are used up: call it once for each text, in order.
        """
        parts: list[tuple[str, bool]] = []
        while text and self._spans:
            characters, forced = self._spans.popleft()
            parts.append((text[:characters], forced))
            if characters > len(text):
                self._spans.appendleft((characters - len(text), forced))
            text = text[characters:]
        return parts

"""A branch's text, as it streams, told apart: thinking and answer, and where a stop text is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rm_local.engine.protocol import Part

OPEN = "<think>"
CLOSE = "</think>"


def overlap(text: str, markers: Iterable[str]) -> int:
    """Characters at the end of `text` that may be the start of one of `markers`."""
    return max((_start_of(text, marker) for marker in markers), default=0)


def _start_of(text: str, marker: str) -> int:
    longest = min(len(text), len(marker) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(marker[:n])), 0)


class StopTexts:
    """Ends a stream at the first of some texts, also when it is cut across pieces."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [text for text in texts if text]
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """What can be passed on, and whether a stop text was met (nothing behind it is)."""
        text = self._held + text
        places = [place for stop in self._texts if (place := text.find(stop)) >= 0]
        if places:
            self._held = ""
            return text[: min(places)], True
        keep = overlap(text, self._texts)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], False

    def flush(self) -> str:
        """What was held back, at the end of the stream."""
        held, self._held = self._held, ""
        return held


class Splitter:
    """Tells thinking from answer by `<think>` and `</think>`, which it takes out.

    A stream that starts in `thinking` (the prompt has opened the block) needs no opening tag; one
    that the model writes again is taken out. A stream that starts in `answer` turns to thinking
    only when the tag is the first thing in it. After the block is closed, tags are plain text.
    White space before the answer is taken out.
    """

    def __init__(self, start: Part) -> None:
        self._part: Part = start
        self._fresh = True
        self._closed = False
        self._held = ""

    def feed(self, text: str) -> list[tuple[Part, str]]:
        """The parts of the text that are now certain, in order, none of them empty."""
        self._held += text
        parts: list[tuple[Part, str]] = []
        while self._next(parts):
            pass
        return parts

    def flush(self) -> list[tuple[Part, str]]:
        """What was held back, at the end of the stream."""
        parts: list[tuple[Part, str]] = []
        self._give(parts, self._held)
        self._held = ""
        return parts

    def _next(self, parts: list[tuple[Part, str]]) -> bool:
        """Take one tag, or all that is certain, off what is held; whether to look again."""
        if self._fresh and not self._closed:
            start = self._held.lstrip()
            if start.startswith(OPEN):
                self._part, self._fresh = "thinking", False
                self._held = start[len(OPEN) :]
                return True
            if OPEN.startswith(start):
                return False
        tags = () if self._closed else (CLOSE,)
        before, tag, behind = self._held.partition(CLOSE) if tags else (self._held, "", "")
        if tag:
            self._give(parts, before)
            self._part, self._fresh, self._closed = "answer", True, True
            self._held = behind
            return True
        keep = overlap(before, tags)
        self._held = before[len(before) - keep :]
        self._give(parts, before[: len(before) - keep])
        return False

    def _give(self, parts: list[tuple[Part, str]], text: str) -> None:
        if self._fresh and self._part == "answer":
            text = text.lstrip()
        if text:
            self._fresh = False
            parts.append((self._part, text))

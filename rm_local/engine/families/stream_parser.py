"""A branch's text, as it streams, told apart: thinking and answer, and where a stop text is."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from rm_local.engine.branches import Part
from rm_local.engine.families.markers import THINK, Markers


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
    """Tells thinking from answer by a family's markers, which it takes out.

    A stream that starts in `thinking` (the prompt has opened the block) needs no opening; one
    that the model writes again is taken out. A stream that starts in `answer` turns to thinking
    only when the opening is the first thing in it. After the block is closed, markers are plain
    text, unless the family has channels: there a header follows, which says what comes next.
    White space before the answer is taken out.
    """

    def __init__(self, start: Part, markers: Markers = THINK) -> None:
        self._part: Part = start
        self._markers = markers
        self._opening, self._closing = markers.opening, markers.closing
        self._fresh = True
        self._in_header = False
        self._held = ""

    @property
    def answering(self) -> bool:
        """Whether what comes next belongs to the answer."""
        return self._part == "answer" and not self._in_header

    def would_answer(self, text: str) -> bool:
        """Whether some of this text, if it came next, would belong to the answer."""
        trial = copy.copy(self)
        return any(part == "answer" for part, _ in [*trial.feed(text), *trial.flush()])

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
        if not self._in_header:
            self._give(parts, self._held)
        self._held = ""
        return parts

    def _next(self, parts: list[tuple[Part, str]]) -> bool:
        """Take one marker, or all that is certain, off what is held; whether to look again."""
        if self._in_header:
            return self._leave_header()
        if self._fresh and self._opening:
            start = self._held.lstrip()
            if start.startswith(self._opening):
                self._held = start[len(self._opening) :]
                self._open()
                return True
            if self._opening.startswith(start):
                return False
        closings = (self._closing,) if self._closing else ()
        before, marker, behind = (
            self._held.partition(self._closing) if closings else (self._held, "", "")
        )
        if marker:
            self._give(parts, before)
            self._held = behind
            self._close()
            return True
        keep = overlap(before, closings)
        self._held = before[len(before) - keep :]
        self._give(parts, before[: len(before) - keep])
        return False

    def _open(self) -> None:
        """The opening was met: of the thinking, or of a wrapped answer."""
        if self._opening == self._markers.opening:
            self._part, self._fresh = "thinking", False
        else:
            self._opening = ""

    def _close(self) -> None:
        """The closing was met; what is looked for from here on."""
        if self._markers.header_end:
            self._in_header = True
            return
        wrapped = self._closing == self._markers.closing and self._markers.wrap
        self._opening, self._closing = self._markers.wrap if wrapped else ("", "")
        self._fresh = True
        self._part = "answer"

    def _leave_header(self) -> bool:
        header, end, behind = self._held.partition(self._markers.header_end)
        if not end:
            return False
        self._part = "thinking" if self._markers.header_thinks in header else "answer"
        self._held, self._fresh, self._in_header = behind, True, False
        return True

    def _give(self, parts: list[tuple[Part, str]], text: str) -> None:
        if self._fresh and self._part == "answer":
            text = text.lstrip()
        if text:
            self._fresh = False
            parts.append((self._part, text))


def seen(text: str, markers: Markers) -> str:
    """What the user saw of an assistant's message: its answer, without the thoughts before it.

    A message with a closing but no opening was written behind a prompt that held the opening.
    """
    thought = markers.closing in text or text.lstrip().startswith(markers.opening)
    if not thought:
        return text
    splitter = Splitter("thinking", markers)
    parts = [*splitter.feed(text), *splitter.flush()]
    return "".join(part for kind, part in parts if kind == "answer")

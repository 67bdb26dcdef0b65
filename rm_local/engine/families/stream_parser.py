"""Splits the text of a branch into thinking and answer, and finds stop texts, as it arrives."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from rm_local.engine.branches import Part
from rm_local.engine.families.markers import THINK, ThinkingMarkers


def count_partial_marker_chars(text: str, markers: Iterable[str]) -> int:
    """Count the characters at the end of `text` that may be the start of an incomplete marker."""
    return max((_count_marker_start_chars(text, marker) for marker in markers), default=0)


def _count_marker_start_chars(text: str, marker: str) -> int:
    """Return the length of the longest incomplete start of `marker` at the end of `text`."""
    longest = min(len(text), len(marker) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(marker[:n])), 0)


class StopTextCutter:
    """Cuts a stream of text before the first stop text, even one that is split across pieces."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [text for text in texts if text]
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """Add a piece of text; return the text that is certain, and whether a stop text was found.

        Text that may be the start of a stop text is held back. The stop text is not returned.
        """
        text = self._held + text
        places = [place for stop in self._texts if (place := text.find(stop)) >= 0]
        if places:
            self._held = ""
            return text[: min(places)], True
        keep = count_partial_marker_chars(text, self._texts)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], False

    def flush(self) -> str:
        """Return the text that was held back; call this at the end of the stream."""
        held, self._held = self._held, ""
        return held


class ThinkingSplitter:
    """Splits a stream of text into thinking and answer at a family's markers; removes the markers.

    A stream that starts in `thinking` (the prompt has opened the block) needs no opening marker; a
    repeated one is removed. A stream that starts in `answer` changes to thinking only if it begins
    with the opening marker. After the closing marker, an opening marker is plain text, and a
    repeated closing marker is removed; in an `exact` answer both are text. In a family with
    channels a header names the next part. White space before the answer is removed.
    """

    def __init__(
        self, start: Part, markers: ThinkingMarkers = THINK, *, exact: bool = False
    ) -> None:
        self._part: Part = start
        self._markers = markers
        self._opening, self._closing = markers.opening, markers.closing
        self._exact = exact
        self._fresh = True
        self._in_header = False
        self._held = ""

    @property
    def is_in_answer(self) -> bool:
        """Whether text that is added next belongs to the answer."""
        return self._part == "answer" and not self._in_header

    def would_yield_answer_text(self, text: str) -> bool:
        """Return whether adding `text` would give text of the answer, without adding it."""
        trial = copy.copy(self)
        return any(part == "answer" for part, _ in [*trial.feed(text), *trial.flush()])

    def feed(self, text: str) -> list[tuple[Part, str]]:
        """Add a piece of text; return the parts that are now certain, in order.

        Each part is `thinking` or `answer`, and its text, which is not empty. Text that may be the
        start of a marker is held back.
        """
        self._held += text
        parts: list[tuple[Part, str]] = []
        while self._consume_text_and_next_marker(parts):
            pass
        return parts

    def flush(self) -> list[tuple[Part, str]]:
        """Return the parts that were held back; call this at the end of the stream."""
        parts: list[tuple[Part, str]] = []
        if not self._in_header:
            self._append_part(parts, self._held)
        self._held = ""
        return parts

    def _consume_text_and_next_marker(self, parts: list[tuple[Part, str]]) -> bool:
        """Remove the next marker and the text before it from the held text; else all certain text.

        The text is appended to `parts`. Return whether the method has to be called again.
        """
        if self._in_header:
            return self._leave_header_if_complete()
        if self._fresh and self._opening:
            start = self._held.lstrip()
            if start.startswith(self._opening):
                self._held = start[len(self._opening) :]
                self._update_state_after_opening_marker()
                return True
            if self._opening.startswith(start):
                return False
        closings = (self._closing,) if self._closing else ()
        before, marker, rest = (
            self._held.partition(self._closing) if closings else (self._held, "", "")
        )
        if marker:
            self._append_part(parts, before)
            self._held = rest
            self._update_state_after_closing_marker()
            return True
        keep = count_partial_marker_chars(before, closings)
        self._held = before[len(before) - keep :]
        self._append_part(parts, before[: len(before) - keep])
        return False

    def _update_state_after_opening_marker(self) -> None:
        """Change the state after an opening marker: of the thinking, or of an enclosed answer."""
        if self._opening == self._markers.opening:
            self._part, self._fresh = "thinking", False
        else:
            self._opening = ""

    def _update_state_after_closing_marker(self) -> None:
        """Change the state after a closing marker; set the markers to look for next."""
        if self._markers.header_end:
            self._in_header = True
            return
        wrapped = self._closing == self._markers.closing and self._markers.wrap
        if wrapped:
            self._opening, self._closing = self._markers.wrap
        else:
            repeated = not self._exact and not self._markers.wrap
            self._opening, self._closing = "", self._markers.closing if repeated else ""
        self._fresh = True
        self._part = "answer"

    def _leave_header_if_complete(self) -> bool:
        """Remove a channel's header, and set the part that it opens; False if it is incomplete."""
        header, end, rest = self._held.partition(self._markers.header_end)
        if not end:
            return False
        self._part = "thinking" if self._markers.header_thinks in header else "answer"
        self._held, self._fresh, self._in_header = rest, True, False
        return True

    def _append_part(self, parts: list[tuple[Part, str]], text: str) -> None:
        """Append text of the current part to `parts`, without white space before an answer."""
        if self._fresh and self._part == "answer":
            text = text.lstrip()
        if text:
            self._fresh = False
            parts.append((self._part, text))


def strip_thinking(text: str, markers: ThinkingMarkers) -> str:
    """Return the answer in a model's message, without the thinking before it.

    The opening marker may be missing, because prompts can contain it.
    """
    thought = markers.closing in text or text.lstrip().startswith(markers.opening)
    if not thought:
        return text
    splitter = ThinkingSplitter("thinking", markers)
    parts = [*splitter.feed(text), *splitter.flush()]
    return "".join(part for kind, part in parts if kind == "answer")

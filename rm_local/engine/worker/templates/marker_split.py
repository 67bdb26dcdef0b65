"""Splits a text within its markers, so that a tokenizer does not recognize them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rm_local.engine.families.markers import THINK

_BLANK = " \n\t\r\N{LOWER ONE EIGHTH BLOCK}"


class InsideMarkerSplitter:
    """Splits texts in the middle of each marker, so that tokenizing the parts gives no marker.

    llama.cpp recognizes user-defined tokens (such as Qwen's `</think>`) even with `parse_special`
    off. Think tags are split even if they are ordinary text. White space is never a marker.
    """

    def __init__(self, markers: Iterable[str]) -> None:
        shown = (text for text in markers if len(text) > 1 and text.strip(_BLANK))
        texts = {*THINK.nonempty_marker_texts, *shown}
        longest_first = sorted(texts, key=lambda text: (-len(text), text))
        self._marker = re.compile("|".join(map(re.escape, longest_first)))

    def split_inside_markers(self, text: str) -> list[str]:
        """Split a text in the middle of each of its markers; the joined parts are the text."""
        parts: list[str] = []
        rest = [text]
        while rest:
            part = rest.pop()
            if found := self._marker.search(part):
                middle = (found.start() + found.end()) // 2
                rest += [part[middle:], part[:middle]]
            elif part:
                parts.append(part)
        return parts

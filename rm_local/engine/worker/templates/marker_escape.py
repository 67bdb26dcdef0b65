"""Splits the markers in a text, so that a tokenizer does not recognize them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rm_local.engine.families.markers import THINK

_BLANK = " \n\t\r\N{LOWER ONE EIGHTH BLOCK}"


class MarkerEscaper:
    """Splits texts in the middle of each marker. The parts, each tokenized alone, have no marker.

    llama.cpp parses user-defined tokens (such as Qwen's `</think>`) even with `parse_special`
    off; think tags are split even if they are ordinary text. White space is never a marker.
    """

    def __init__(self, markers: Iterable[str]) -> None:
        shown = (text for text in markers if len(text) > 1 and text.strip(_BLANK))
        texts = {*THINK.texts, *shown}
        longest_first = sorted(texts, key=lambda text: (-len(text), text))
        self._marker = re.compile("|".join(map(re.escape, longest_first)))

    def split_text(self, text: str) -> list[str]:
        """Split a text; the parts in order, joined, are the text."""
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

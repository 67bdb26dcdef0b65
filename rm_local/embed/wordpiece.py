"""BERT's uncased WordPiece in plain Python: faster here than a library, as words come again.

Texts are split as BERT splits them, into words and single marks, in lower case and without
accents; each word then into the longest pieces of the vocabulary from its left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

UNKNOWN_PIECE = "[UNK]"
LONGEST = 100
"""Characters of a word; a longer one is unknown."""
REMEMBERED = 200_000
"""Words whose pieces are kept; with more, all are forgotten, so memory stays below 50 MB."""

ASCII_WORDS = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
CJK = re.compile(
    "([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf"
    "\U0002f800-\U0002fa1f])"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class WordPiece:
    """A vocabulary of pieces: those that begin a word, and, after `##`, those that go on."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self._ids = {piece: place for place, piece in enumerate(pieces)}
        self._unknown = (self._ids[UNKNOWN_PIECE],)
        self._seen: dict[str, tuple[int, ...]] = {}

    def ids(self, text: str) -> list[int]:
        """Places of the text's pieces in the vocabulary, in order; empty for a text without any."""
        seen = self._seen
        found: list[int] = []
        for word in split_words(text):
            pieces = seen.get(word)
            found += self._learn(word) if pieces is None else pieces
        return found

    def _learn(self, word: str) -> tuple[int, ...]:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        pieces = self._seen[word] = self._split(word)
        return pieces

    def _split(self, word: str) -> tuple[int, ...]:
        if len(word) > LONGEST:
            return self._unknown
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                place = self._ids.get(mark + word[start:end])
                if place is not None:
                    found.append(place)
                    start = end
                    break
            else:
                return self._unknown
        return tuple(found)


def split_words(text: str) -> list[str]:
    """Words and single punctuation marks of a text, in lower case and without accents."""
    if text.isascii():
        return ASCII_WORDS.findall(CONTROL.sub("", text).lower())
    spaced = CJK.sub(r" \1 ", "".join(_kept(c) for c in text))
    plain = unicodedata.normalize("NFD", spaced)
    found: list[str] = []
    for part in "".join(c for c in plain if unicodedata.category(c) != "Mn").lower().split():
        start = 0
        for place, char in enumerate(part):
            if _is_mark(char):
                found += [part[start:place], char] if start < place else [char]
                start = place + 1
        if start < len(part):
            found.append(part[start:])
    return found


def _kept(char: str) -> str:
    """Whitespace as a space; control and unassigned characters as nothing."""
    if char in "\t\n\r":
        return " "
    kind = unicodedata.category(char)
    if char == "\ufffd" or kind in ("Cc", "Cf", "Cn", "Co"):
        return ""
    return " " if kind == "Zs" else char


def _is_mark(char: str) -> bool:
    """Punctuation as BERT sees it: also ASCII signs such as `$` and `^`, but no other symbols."""
    if char.isascii():
        return not char.isalnum()
    return unicodedata.category(char).startswith("P")

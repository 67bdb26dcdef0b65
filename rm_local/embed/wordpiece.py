"""BERT's uncased WordPiece tokenizer in plain Python; its cache of words makes it fast.

As in BERT, a text is split into words and punctuation marks, in lower case and without accents.
Then each word is split into the longest pieces of the vocabulary, from left to right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

UNKNOWN_PIECE = "[UNK]"
MAX_WORD_LENGTH = 100
"""Maximum number of characters of a word; a longer word becomes the unknown piece."""
CACHED_WORDS = 200_000
"""Maximum number of words whose pieces are cached; a full cache is cleared (below 50 MB)."""

ASCII_WORDS = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
CJK = re.compile(
    "([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf"
    "\U0002f800-\U0002fa1f])"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class WordPieceTokenizer:
    """BERT's tokenizer for a vocabulary; `##` marks a piece that does not begin a word."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self._ids = {piece: place for place, piece in enumerate(pieces)}
        self._unknown = (self._ids[UNKNOWN_PIECE],)
        self._seen: dict[str, tuple[int, ...]] = {}

    def encode_text(self, text: str) -> list[int]:
        """Return the indices in the vocabulary of the pieces of a text; empty without words."""
        seen = self._seen
        found: list[int] = []
        for word in normalize_and_split_words(text):
            pieces = seen.get(word)
            found += self._split_and_cache_word(word) if pieces is None else pieces
        return found

    def _split_and_cache_word(self, word: str) -> tuple[int, ...]:
        """Return the indices of the pieces of `word`, and cache them."""
        if len(self._seen) >= CACHED_WORDS:
            self._seen.clear()
        pieces = self._seen[word] = self._split_word_into_piece_ids(word)
        return pieces

    def _split_word_into_piece_ids(self, word: str) -> tuple[int, ...]:
        """Split a word into the longest pieces, from left to right; return their indices.

        A word that cannot be split is the unknown piece.
        """
        if len(word) > MAX_WORD_LENGTH:
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


def normalize_and_split_words(text: str) -> list[str]:
    """Split a text into words and punctuation marks, in lower case and without accents."""
    if text.isascii():
        return ASCII_WORDS.findall(CONTROL.sub("", text).lower())
    spaced = CJK.sub(r" \1 ", "".join(_replace_space_or_control_char(c) for c in text))
    plain = unicodedata.normalize("NFD", spaced)
    found: list[str] = []
    for part in "".join(c for c in plain if unicodedata.category(c) != "Mn").lower().split():
        start = 0
        for place, char in enumerate(part):
            if _is_bert_punctuation(char):
                found += [part[start:place], char] if start < place else [char]
                start = place + 1
        if start < len(part):
            found.append(part[start:])
    return found


def _replace_space_or_control_char(char: str) -> str:
    """Return a space for white space, "" for a control character, and any other one unchanged."""
    if char in "\t\n\r":
        return " "
    kind = unicodedata.category(char)
    if char == "\ufffd" or kind in ("Cc", "Cf", "Cn", "Co"):
        return ""
    return " " if kind == "Zs" else char


def _is_bert_punctuation(char: str) -> bool:
    """Return whether BERT treats `char` as punctuation.

    The ASCII symbols, such as `$` and `^`, are punctuation; other symbols are not.
    """
    if char.isascii():
        return not char.isalnum()
    return unicodedata.category(char).startswith("P")

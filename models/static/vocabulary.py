"""The pieces that the table has a row for: MiniLM's, less those never met, and whole words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rm_local.embed import UNKNOWN_PIECE, split_words

NEVER = re.compile(r"^\[(?!UNK\])[^\]]+\]$")
"""`[unused7]`, `[CLS]`: no text is split into them."""
OFTEN = 12
"""Texts in which a word must stand to have a row of its own."""


def choose_pieces(published: Sequence[str], texts: Iterable[str], more: int) -> list[str]:
    """MiniLM's pieces in their order, then at most `more` frequent words that it splits."""
    kept = [piece for piece in published if piece and not NEVER.match(piece)]
    assert UNKNOWN_PIECE in kept
    known = set(kept)
    seen = Counter(word for text in texts for word in set(split_words(text)))
    new = [
        word
        for word, count in seen.most_common()
        if count >= OFTEN and word not in known and len(word) > 3 and word.isalpha()
    ]
    return kept + new[:more]


def spell_piece(piece: str) -> str:
    """The text that the teacher is shown for a piece."""
    return "" if piece == UNKNOWN_PIECE else piece.removeprefix("##") or piece

"""Chooses the pieces that have a row in the table: MiniLM's, without special ones, and words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rm_local.embed import UNKNOWN_PIECE, normalize_and_split_words

NEVER = re.compile(r"^\[(?!UNK\])[^\]]+\]$")
"""Pattern of pieces that no text is split into: `[unused7]`, `[CLS]`."""
OFTEN = 12
"""Minimum number of texts with a word for the word to have its own row."""


def choose_pieces(published: Sequence[str], texts: Iterable[str], more: int) -> list[str]:
    """Return MiniLM's pieces in their order, then at most `more` frequent words that it splits."""
    kept = [piece for piece in published if piece and not NEVER.match(piece)]
    assert UNKNOWN_PIECE in kept
    known = set(kept)
    seen = Counter(word for text in texts for word in set(normalize_and_split_words(text)))
    new = [
        word
        for word, count in seen.most_common()
        if count >= OFTEN and word not in known and len(word) > 3 and word.isalpha()
    ]
    return kept + new[:more]


def spell_piece(piece: str) -> str:
    """Return the text for a piece that the teacher embeds; empty for the unknown piece."""
    return "" if piece == UNKNOWN_PIECE else piece.removeprefix("##") or piece

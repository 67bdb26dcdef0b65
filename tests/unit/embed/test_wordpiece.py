"""Texts become the pieces that BERT's uncased tokenizer makes of them."""

from __future__ import annotations

import pytest

from rm_local.embed import wordpiece
from rm_local.embed.wordpiece import WordPieceTokenizer, normalize_and_split_words

PIECES = ("[UNK]", "add", "##ing", "##s", "fraction", "a", "##b", "!", "é", "和")


@pytest.fixture
def split() -> WordPieceTokenizer:
    """A vocabulary of ten pieces."""
    return WordPieceTokenizer(PIECES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Adding fractions!", ["add", "##ing", "fraction", "##s", "!"]),
        ("adds adds", ["add", "##s", "add", "##s"]),
        ("ab", ["a", "##b"]),
        ("axe", ["[UNK]"]),
        ("a" * 101, ["[UNK]"]),
        ("", []),
        (" \t\n", []),
        ("á", ["a"]),
        ("a和a", ["a", "和", "a"]),
    ],
)
def test_the_longest_pieces_are_taken_from_the_left(
    split: WordPieceTokenizer, text: str, found: list[str]
) -> None:
    """A word that cannot be put together whole is unknown."""
    assert [PIECES[place] for place in split.encode_text(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What's x^2+1?", ["what", "'", "s", "x", "^", "2", "+", "1", "?"]),
        ("snake_case", ["snake", "_", "case"]),
        ("co\x00operate\x7f", ["cooperate"]),
        ("naïve Ångström", ["naive", "angstrom"]),
        ("one\u00a0two\u2009three", ["one", "two", "three"]),
        ("zero\u200bwidth", ["zerowidth"]),
        ("“quoted” — so…", ["“", "quoted", "”", "—", "so", "…"]),
        ("20 °C ≈ 3€", ["20", "°c", "≈", "3€"]),
    ],
)
def test_words_and_marks_are_split(text: str, found: list[str]) -> None:
    """Lower case, no accents; every punctuation mark stands alone, symbols do not."""
    assert normalize_and_split_words(text) == found


def test_forgetting_words_changes_nothing(
    split: WordPieceTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more words than are remembered, each still has the same pieces."""
    monkeypatch.setattr(wordpiece, "CACHED_WORDS", 2)
    before = [split.encode_text(text) for text in ("adds", "adding", "fractions", "ab")]
    assert [split.encode_text(text) for text in ("adds", "adding", "fractions", "ab")] == before

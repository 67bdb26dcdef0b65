"""The plain WordPiece splits texts exactly as the published tokenizer of all-MiniLM-L6-v2."""

from __future__ import annotations

import random

import pytest
from tokenizers import Tokenizer

from models.nano.curriculum import imitate_typed_problem, invented, list_taken_names
from models.seed.handwritten import read_handwritten_entries
from rm_local.embed.minilm import find_minilm_weights_folder
from rm_local.embed.wordpiece import WordPieceTokenizer

ODD = (
    "",
    " \t\n",
    "What's x^2 - 5x + 6 = 0, so x=2 or x=3?",
    "snake_case, kebab-case and CamelCase; $5, 20 %, 3~4, `code`|pipe",
    "naïve café, Ångström and Gödel; El Niño, São Paulo, œuvre",
    "cafe\u0301 and cafe\u0301s, in two code points",
    "Как решить квадратное уравнение? Πώς λύνεται;",
    "二次方程式を解くにはどうすればよいですか 如何求 한국어",
    "كيف أحسب مساحة المثلث؟",
    "∫_0^∞ e^{-x²} dx = √π / 2 ≈ 0.886; ∀ε>0 ∃δ>0",
    "zero\u200bwidth, soft\u00adhyphen, no\u00a0break, bell\x07 and nul\x00",
    "½ ² ° € “quotes” — dash… «x» ¿qué?",
    "a" * 99 + " " + "b" * 101,
    "def f(x: int) -> int:\n    return x ** 2 if x > 0 else -x",
)


@pytest.fixture(scope="module")
def published() -> Tokenizer:
    """Without `[CLS]` and `[SEP]`, and not cut."""
    tokenizer = Tokenizer.from_file(str(find_minilm_weights_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@pytest.fixture(scope="module")
def ours() -> WordPieceTokenizer:
    """The same vocabulary."""
    pieces = (find_minilm_weights_folder() / "vocab.txt").read_text("utf-8").split("\n")[:-1]
    return WordPieceTokenizer(pieces)


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_give_the_published_tokens(
    published: Tokenizer, ours: WordPieceTokenizer, text: str
) -> None:
    """Accents, other scripts, control characters, very long words."""
    assert ours.encode_text(text) == published.encode(text, add_special_tokens=False).ids


def test_texts_of_stores_give_the_published_tokens(
    published: Tokenizer, ours: WordPieceTokenizer
) -> None:
    """Hand-written entries, and invented problems as people type them."""
    rng = random.Random(5)
    drawn = [
        imitate_typed_problem(rng, invented.draw_invented_problem(rng, list_taken_names()))
        for _ in range(300)
    ]
    texts = [text for p in drawn for text in (p.question, p.entry.subproblem, p.entry.subroutine)]
    texts += [text for e in read_handwritten_entries() for text in (e.subproblem, e.subroutine)]
    for text in texts:
        assert ours.encode_text(text) == published.encode(text, add_special_tokens=False).ids, text

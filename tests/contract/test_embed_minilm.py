"""The same text has the same vector in llama.cpp, for queries, as in sentence-transformers.

Except for the names of special tokens, such as [SEP]: llama.cpp reads them as plain text.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rm_local.embed.bulk import embed_with_minilm
from rm_local.embed.minilm import MINILM, find_minilm_gguf
from rm_local.engine.client import Engine

LONG = "The sum of the first n odd numbers is a perfect square, as each gnomon shows. "
TEXTS = [
    "",
    " ",
    "x",
    "7",
    "?",
    "Okay,",
    "How to add two fractions with different denominators?",
    "HOW TO ADD TWO FRACTIONS WITH DIFFERENT DENOMINATORS?",
    "how do I add fractions with different denominators",
    "What is the zorbal of 12 and 5?",
    "find the mifek value for a=3, b=9",
    "quibblewort of frandelgorp",
    "naïve café, Ångström and Gödel; El Niño, São Paulo, œuvre",
    "Wie löst man eine quadratische Gleichung mit Brüchen?",
    "Comment résoudre une équation du second degré à coefficients réels ?",
    "¿Cómo se calcula la derivada de una función compuesta?",
    "Как решить квадратное уравнение?",
    "二次方程式を解くにはどうすればよいですか",
    "如何求两个整数的最大公约数",
    "كيف أحسب مساحة المثلث؟",
    "Πώς λύνεται μια εξίσωση;",
    "cafe\u0301 and cafe\u0301s, in two code points",
    "x^2 - 5x + 6 = 0, so x = 2 or x = 3",
    "∫_0^∞ e^{-x²} dx = √π / 2 ≈ 0.886",
    "∀ε>0 ∃δ>0: |x−a|<δ ⇒ |f(x)−L|<ε",
    "\\frac{a}{b} + \\frac{c}{d} = \\frac{ad + bc}{bd}",
    "P(A|B) = P(B|A) P(A) / P(B)",
    "3.14159 and 2,718,281 and 6.022e23 and 0x1F",
    "12 + 30 * (4 - 2) / 6 % 5",
    "½ + ¾ = 1¼, 5′ 11″, 20 °C, 3 µm, 10 Ω",
    "def f(x: int) -> int:\n    return x ** 2 if x > 0 else -x",
    "for (int i = 0; i < n; ++i) { sum += a[i]; }",
    "SELECT name, count(*) FROM t WHERE a <> 'b' GROUP BY 1;",
    "np.linalg.solve(A, b) raises LinAlgError: Singular matrix",
    "git rebase -i HEAD~3 && git push --force-with-lease",
    '{"event": "answered", "agreed": 5, "hints": [1, 2]}',
    "<think>Okay, so</think> <|im_end|> [end of hint]",
    "https://example.org/a/b?c=d&e=f#g and someone@example.org",
    "2 H2 + O2 -> 2 H2O; CH3COOH + NaOH",
    "C₆H₁₂O₆ → 2 C₂H₅OH + 2 CO₂",
    "F = m·a; E = mc²; λ = h/p; v⃗",
    "snake_case camelCase SCREAMING_CASE kebab-case",
    "don't can't it's o'clock rock'n'roll",
    "“curly quotes”, ‘single’ — dashes – and … dots",
    "tabs\tand\nnew lines\r\nand  spaces \u00a0 nbsp",
    "zero\u200bwidth, soft\u00adhyphen, bell\x07",
    "😀 emoji 🧮 and 👩‍🔬 joined",
    "a" * 90,
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "()[]{}<>!@#$%^&*-_=+|;:,./?",
    "1 2 3 4 5 6 7 8 9 10 11 12",
    "A train leaves at 9:40 at 80 km/h; another at 10:15 at 95 km/h. When do they meet?",
    "Prove that among any six people three know each other or three are strangers.",
    "Why does my loop run one time too many when I slice the list?",
    "The mitochondria is the powerhouse of the cell.",
    "To be, or not to be, that is the question.",
    LONG * 3,
    LONG * 14,
    LONG * 40,
    "∑ é 7 " * 200,
]


async def in_worker(texts: list[str], home: Path) -> NDArray[np.float32]:
    """Vectors by llama.cpp, as a query gets them."""
    async with Engine(log=home / "worker.log") as engine:
        assert await engine.load_embedder(find_minilm_gguf()) == MINILM.dimension
        return await engine.embed(texts)


async def test_both_embedders_give_the_same_vectors(own_home: Path) -> None:
    """Cosine >= 0.999 on every text: accents, scripts, maths, code, nothing at all, long ones."""
    cosines = (embed_with_minilm(TEXTS) * await in_worker(TEXTS, own_home)).sum(axis=1)
    least = int(cosines.argmin())
    assert cosines[least] >= 0.999, f"{cosines[least]:.6f} for {TEXTS[least]!r}"


async def test_both_cut_a_text_after_256_tokens(own_home: Path) -> None:
    """What follows is not seen by either, so a longer text has the same vector."""
    pair = [LONG * 40, LONG * 40 + "Something else entirely, about whales."]
    for vectors in (embed_with_minilm(pair), await in_worker(pair, own_home)):
        assert vectors[0] @ vectors[1] == pytest.approx(1, abs=1e-5)


def test_bulk_vectors_have_length_one() -> None:
    """(n, 384) float32 in the order of the texts, whatever their lengths; none for none."""
    vectors = embed_with_minilm([LONG * 9, "x", LONG])
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[1], embed_with_minilm(["x"])[0], atol=1e-4)
    assert embed_with_minilm([]).shape == (0, 384)


def test_loading_the_embedder_in_bulk_prints_nothing() -> None:
    """No bar or warning of transformers and its libraries reaches the screen."""
    code = "from rm_local.embed import embed_with_minilm as e; print(e(['one', 'two']).shape)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )

    assert (done.stdout, done.stderr) == ("(2, 384)\n", "")

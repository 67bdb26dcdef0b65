"""The parts of the static embedder's training: pieces, bags, directions, the pairs' loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.static.fit import (
    Recipe,
    TokenizedTexts,
    compute_contrastive_loss,
    compute_principal_axes,
    compute_sif_weights,
    fit_table,
)
from models.static.vocabulary import choose_pieces, spell_piece
from rm_local.embed.wordpiece import WordPieceTokenizer

PIECES = ["[UNK]", "a", "b", "c", "d"]


def test_frequent_words_get_a_row_of_their_own() -> None:
    """After the published pieces, the most frequent first; special pieces have none."""
    texts = ["zorb mifek", "zorb"] * 12 + ["rare"]
    found = choose_pieces(["[PAD]", "[unused0]", "[UNK]", "a", "##b", ""], texts, 10)
    assert found == ["[UNK]", "a", "##b", "zorb", "mifek"]
    assert choose_pieces(found, texts, 0) == found
    assert [spell_piece(piece) for piece in ("[UNK]", "##b", "zorb", "##")] == [
        "",
        "b",
        "zorb",
        "##",
    ]


def test_texts_are_drawn_in_any_order() -> None:
    """An empty one as the piece that stands for it."""
    bags = TokenizedTexts(WordPieceTokenizer(PIECES), ["a b", "", "c c a"], 0)
    ids, offsets = bags.gather_texts(np.array([2, 0, 2, 1]))
    assert ids.tolist() == [3, 3, 1, 1, 2, 3, 3, 1, 0]
    assert offsets.tolist() == [0, 3, 5, 8]
    np.testing.assert_allclose(bags.compute_piece_shares(5), np.array([1, 2, 1, 2, 0]) / 6)


def test_frequent_pieces_weigh_less() -> None:
    """And one that is never met weighs most."""
    found = compute_sif_weights(TokenizedTexts(WordPieceTokenizer(PIECES), ["a a a b"], 0), 5)
    assert found[1] < found[2] < found[3] == 1


def test_the_kept_directions_hold_the_most() -> None:
    """Orthonormal; cosines within them stay as they were."""
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((50, 2)) @ rng.standard_normal((2, 6))).astype(np.float32)
    turn = compute_principal_axes(rows, 2)
    np.testing.assert_allclose(turn.T @ turn, np.eye(2), atol=1e-5)
    np.testing.assert_allclose((rows @ turn) @ (rows @ turn).T, rows @ rows.T, atol=1e-3)


def test_texts_that_are_one_are_no_wrong_answers() -> None:
    """Two pairs with the same second text do not push each other away."""
    rows = torch.eye(3)
    twice = torch.stack([rows[0], rows[0], rows[1]])
    alike = compute_contrastive_loss(twice, twice, torch.tensor([0, 0, 1]), 20.0)
    apart = compute_contrastive_loss(twice, twice, torch.tensor([0, 1, 2]), 20.0)
    assert alike.item() < 1e-6 < 0.4 < apart.item()


@pytest.mark.slow
def test_a_fit_comes_nearer_to_the_teacher() -> None:
    """Both losses fall; the same seed gives the same table."""
    texts = ["a b", "c d", "a", "b", "c", "d"]
    bags = TokenizedTexts(WordPieceTokenizer(PIECES), texts, 0)
    rng = np.random.default_rng(2)
    start = rng.standard_normal((5, 4)).astype(np.float32)
    aims = rng.standard_normal((6, 4)).astype(np.float32)
    losses: list[tuple[float, float]] = []
    recipe = Recipe(steps=60, texts=6, pairs=4, rate=0.05)

    def once() -> np.ndarray:
        return fit_table(
            start,
            bags,
            aims,
            (bags, bags),
            np.arange(6),
            recipe,
            3,
            lambda _, text, pair: losses.append((text, pair)),
        )

    assert np.array_equal(once(), once())
    assert losses[59][0] < losses[0][0]

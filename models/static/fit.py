"""Fits the table of rm-static to the teacher's vectors, and to pairs of texts of one meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from rm_local.embed import WordPieceTokenizer

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters of the fit."""

    steps: int = 2000
    texts: int = 1024
    """Number of texts in a step that are fitted to the teacher's vectors."""
    pairs: int = 512
    """Number of pairs in a step; each text has to be nearest to the other of its pair."""
    rate: float = 2e-3
    weight: float = 0.3
    """Factor on the loss of the pairs, added to the loss of the teacher's vectors."""
    sharpness: float = 20.0
    """Factor on the cosines before the softmax over the pairs of a step."""


class TokenizedTexts:
    """Texts as piece numbers in one flat array, from which texts are gathered by their numbers."""

    def __init__(self, split: WordPieceTokenizer, texts: Sequence[str], empty: int) -> None:
        """Split the texts into pieces; a text without pieces becomes the piece `empty`."""
        rows = [split.encode_text(text) or [empty] for text in texts]
        self._lengths = np.array([len(row) for row in rows])
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])
        self._flat = np.fromiter((i for row in rows for i in row), np.int64)

    def __len__(self) -> int:
        return len(self._lengths)

    def compute_piece_shares(self, count: int) -> Floats:
        """Return the share of each of `count` pieces among all pieces of the texts: (count,)."""
        seen = np.bincount(self._flat, minlength=count)
        return np.asarray(seen / len(self._flat), dtype=np.float32)

    def gather_texts(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return the pieces of the chosen texts in a row, and the offset of each text."""
        lengths = self._lengths[chosen]
        offsets = np.cumsum(lengths) - lengths
        within = np.arange(lengths.sum()) - np.repeat(offsets, lengths)
        ids = self._flat[np.repeat(self._starts[chosen], lengths) + within]
        return torch.from_numpy(ids), torch.from_numpy(offsets)


def compute_principal_axes(vectors: Floats, dimension: int) -> Floats:
    """Return the directions (full, dimension) that keep most of the vectors' cosines.

    The mean is not removed, so that cosines keep the teacher's scale.
    """
    _, directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    return np.asarray(directions[:, ::-1][:, :dimension], dtype=np.float32)


def compute_sif_weights(bags: TokenizedTexts, count: int, smooth: float = 1e-3) -> Floats:
    """Return SIF weights (count,): frequent pieces count less (Arora et al. 2017)."""
    return np.asarray(smooth / (smooth + bags.compute_piece_shares(count)), dtype=np.float32)


def fit_table(
    table: Floats,
    texts: TokenizedTexts,
    targets: Floats,
    pairs: tuple[TokenizedTexts, TokenizedTexts],
    same: NDArray[np.int64],
    recipe: Recipe,
    seed: int,
    on_step: Callable[[int, float, float], None],
) -> Floats:
    """Return the fitted table; it begins as `table`.

    `targets` are the teacher's vectors of the texts (n, d). `same` has a number for the second text
    of each pair; texts with equal numbers are not counted as wrong answers for each other.
    `on_step` is called with the step and both losses.
    """
    rng = np.random.default_rng(seed)
    bag = torch.nn.EmbeddingBag.from_pretrained(
        torch.from_numpy(table.copy()), freeze=False, mode="sum", sparse=True
    )
    optimizer: torch.optim.Optimizer = torch.optim.SparseAdam([bag.weight], lr=recipe.rate)
    aims = F.normalize(torch.from_numpy(targets))
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * (1 - step / recipe.steps)
        chosen = rng.integers(len(texts), size=recipe.texts)
        taught = 1 - (F.normalize(bag(*texts.gather_texts(chosen))) * aims[chosen]).sum(1).mean()
        drawn = rng.integers(len(same), size=recipe.pairs)
        one, other = (F.normalize(bag(*half.gather_texts(drawn))) for half in pairs)
        paired = compute_contrastive_loss(
            one, other, torch.from_numpy(same[drawn]), recipe.sharpness
        )
        optimizer.zero_grad()
        torch.autograd.backward(taught + recipe.weight * paired)
        optimizer.step()
        on_step(step, taught.item(), paired.item())
    return np.asarray(bag.weight.detach().numpy(), dtype=np.float32)


def compute_contrastive_loss(one: Tensor, other: Tensor, same: Tensor, sharpness: float) -> Tensor:
    """Return the cross entropy of finding each row's partner among all, in both directions.

    Rows with equal numbers in `same` are left out as wrong answers for each other.
    """
    scores = one @ other.T * sharpness
    alike = (same[:, None] == same[None, :]) & ~torch.eye(len(same), dtype=torch.bool)
    scores = scores.masked_fill(alike, -torch.inf)
    aim = torch.arange(len(same))
    return (F.cross_entropy(scores, aim) + F.cross_entropy(scores.T, aim)) / 2

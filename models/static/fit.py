"""Fitting the table: to the teacher's vectors of texts, and to pairs that mean the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from rm_local.embed import WordPiece

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the table is fitted."""

    steps: int = 2000
    texts: int = 1024
    """Texts a step that are drawn to the teacher's vectors."""
    pairs: int = 512
    """Pairs a step; each text is to be nearest to its own other half."""
    rate: float = 2e-3
    weight: float = 0.3
    """Of the pairs' loss beside the teacher's."""
    sharpness: float = 20.0
    """Factor on cosines before the softmax over a step's pairs."""


class TokenizedTexts:
    """Texts as pieces, ready to be drawn by number."""

    def __init__(self, split: WordPiece, texts: Sequence[str], empty: int) -> None:
        rows = [split.encode_text(text) or [empty] for text in texts]
        self._lengths = np.array([len(row) for row in rows])
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])
        self._flat = np.fromiter((i for row in rows for i in row), np.int64)

    def __len__(self) -> int:
        return len(self._lengths)

    def compute_piece_shares(self, count: int) -> Floats:
        """Of all pieces, the share that each of the `count` is."""
        seen = np.bincount(self._flat, minlength=count)
        return np.asarray(seen / len(self._flat), dtype=np.float32)

    def gather_texts(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """The pieces of the chosen texts, one after another, and where each text begins."""
        lengths = self._lengths[chosen]
        offsets = np.cumsum(lengths) - lengths
        within = np.arange(lengths.sum()) - np.repeat(offsets, lengths)
        ids = self._flat[np.repeat(self._starts[chosen], lengths) + within]
        return torch.from_numpy(ids), torch.from_numpy(offsets)


def compute_principal_axes(vectors: Floats, dimension: int) -> Floats:
    """The directions (full, dimension) that keep most of the vectors' cosines.

    The mean stays in, so that cosines keep the teacher's scale.
    """
    _, directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    return np.asarray(directions[:, ::-1][:, :dimension], dtype=np.float32)


def compute_sif_weights(bags: TokenizedTexts, count: int, smooth: float = 1e-3) -> Floats:
    """SIF: a piece that stands in many texts says little (Arora et al. 2017); (count,)."""
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
    """The fitted table; `targets` are the texts' vectors (n, d).

    `same` numbers the pairs' second texts: those with one number are no wrong answers for each
    other. `on_step` is told the step and both losses.
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
    """Cross entropy of finding each row's other half among all, both ways."""
    scores = one @ other.T * sharpness
    alike = (same[:, None] == same[None, :]) & ~torch.eye(len(same), dtype=torch.bool)
    scores = scores.masked_fill(alike, -torch.inf)
    aim = torch.arange(len(same))
    return (F.cross_entropy(scores, aim) + F.cross_entropy(scores.T, aim)) / 2

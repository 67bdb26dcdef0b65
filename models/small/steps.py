"""Steps of training: whole texts, cut by llama.cpp's own tokenizer as the worker cuts them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch
from llama_cpp import Llama
from torch import Tensor

from models.curriculum.texts import TrainingText, draw_text
from models.pack_texts import Encoded, group_texts

LONGEST = 1024
"""Tokens of a text; longer ones are not trained on."""
GRAIN = 16
"""Texts are padded to a multiple of so many tokens: each new length costs a compilation of the
matrix products."""
PADDING = 2
"""Token of what is padded; it is not learnt."""
POOL = 16
"""Texts that wait for a step with enough room."""


@dataclass(frozen=True, slots=True)
class Step:
    """Texts that lie end to end, each padded; padding fills the step."""

    ids: Tensor
    """(tokens,), int64."""
    learnt: Tensor
    """(tokens,), bool: what the model is to write."""
    lengths: tuple[int, ...]
    """Tokens of each text with its padding."""


class Tokenizer:
    """llama.cpp's tokenizer of a GGUF file."""

    def __init__(self, path: Path) -> None:
        self._llama = Llama(str(path), vocab_only=True, verbose=False)

    def encode(self, text: TrainingText) -> Encoded:
        """The tokens of the text, piece by piece, and for each whether it is learnt."""
        ids: list[int] = []
        learnt: list[bool] = []
        for piece, flag in text.pieces:
            tokens = self._llama.tokenize(piece.encode(), add_bos=False, special=True)
            ids += tokens
            learnt += [flag] * len(tokens)
        return ids, learnt


def draw_steps(
    tokenizer: Tokenizer,
    seed: int,
    tokens: int,
    draw: Callable[[random.Random], TrainingText] = draw_text,
) -> Iterator[Step]:
    """Draw endless steps of `tokens` tokens, a multiple of GRAIN.

    The longest waiting text that still fits comes next.
    """
    rng = random.Random(seed)
    texts = (pad(*tokenizer.encode(draw(rng))) for _ in count())
    for group in group_texts(texts, tokens, min(tokens, LONGEST), POOL):
        if rest := tokens - sum(len(ids) for ids, _ in group):
            group.append(([PADDING] * rest, [False] * rest))
        yield Step(
            torch.tensor([id for ids, _ in group for id in ids]),
            torch.tensor([flag for _, learnt in group for flag in learnt]),
            tuple(len(ids) for ids, _ in group),
        )


def pad(ids: list[int], learnt: list[bool]) -> Encoded:
    """The text with padding up to the next multiple of GRAIN."""
    rest = -len(ids) % GRAIN
    return ids + [PADDING] * rest, learnt + [False] * rest

"""Training texts as rows of tokens, cut by llama.cpp's own tokenizer as the worker cuts them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from llama_cpp import Llama
from numpy.typing import NDArray

from models.curriculum.texts import TrainingText, draw_text

Encoded = tuple[list[int], list[bool]]
Row = tuple[NDArray[np.int64], NDArray[np.bool_]]
POOL = 48
"""Texts that wait to be fitted into the row being filled."""
PADDING = 2
"""Token of what is left empty at a row's end; it is not learnt."""


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


def draw_rows(
    tokenizer: Tokenizer,
    seed: int,
    length: int,
    draw: Callable[[random.Random], TrainingText] = draw_text,
) -> Iterator[Row]:
    """Endless rows of `length` + 1 tokens; the longest text that still fits is put in next."""
    rng = random.Random(seed)
    pool: list[Encoded] = []
    while True:
        ids, learnt = np.full(length + 1, PADDING, np.int64), np.zeros(length + 1, np.bool_)
        at = 0
        while True:
            while len(pool) < POOL:
                encoded = tokenizer.encode(draw(rng))
                if len(encoded[0]) <= length:
                    pool.append(encoded)
            fitting = [i for i, (tokens, _) in enumerate(pool) if len(tokens) <= length + 1 - at]
            if not fitting:
                break
            best = pool.pop(max(fitting, key=lambda i: len(pool[i][0])) if at else fitting[0])
            ids[at : at + len(best[0])], learnt[at : at + len(best[0])] = best
            at += len(best[0])
        yield ids, learnt


def draw_batches(tokenizer: Tokenizer, seed: int, size: int, length: int) -> Iterator[Row]:
    """Endless batches (size, length + 1)."""
    stream = draw_rows(tokenizer, seed, length)
    while True:
        drawn = [next(stream) for _ in range(size)]
        yield np.stack([ids for ids, _ in drawn]), np.stack([learnt for _, learnt in drawn])

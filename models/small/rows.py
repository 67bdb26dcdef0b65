"""Training texts as rows of tokens, cut by llama.cpp's own tokenizer as the worker cuts them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from llama_cpp import Llama

from models.curriculum.texts import TrainingText, draw_text
from models.pack_rows import Encoded, Row, pack_rows, stack_rows

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
    texts = (tokenizer.encode(draw(rng)) for _ in count())
    return pack_rows(texts, length, PADDING)


def draw_batches(tokenizer: Tokenizer, seed: int, size: int, length: int) -> Iterator[Row]:
    """Endless batches (size, length + 1)."""
    return stack_rows(draw_rows(tokenizer, seed, length), size)

"""The training stream: trajectories packed into rows, with a mask of the learnt tokens."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

from tokenizers import Tokenizer

from models.nano.curriculum import draw_trajectory
from models.nano.curriculum.trajectory import Trajectory
from models.nano.pack_rows import Row, pack_rows, stack_rows
from models.pack_texts import Encoded


def encode_trajectory(tokenizer: Tokenizer, trajectory: Trajectory) -> Encoded:
    """Return the token ids of the text, and for each whether the model learns to write it."""
    encoding = tokenizer.encode(trajectory.text)
    spans, at = [], 0
    for text, learnt in trajectory.pieces:
        at += len(text)
        spans.append((at, learnt))
    flags, piece = [], 0
    for start, _ in encoding.offsets:
        while start >= spans[piece][0]:
            piece += 1
        flags.append(spans[piece][1])
    return encoding.ids, flags


def draw_rows(tokenizer: Tokenizer, seed: int, length: int) -> Iterator[Row]:
    """Yield endless rows of `length` + 1 tokens: ids and mask, packed by `pack_rows`."""
    rng = random.Random(seed)
    return pack_rows((encode_trajectory(tokenizer, draw_trajectory(rng)) for _ in count()), length)


def draw_batches(tokenizer: Tokenizer, seed: int, size: int, length: int) -> Iterator[Row]:
    """Yield endless batches of `size` rows: ids and mask, arrays (size, length + 1)."""
    return stack_rows(draw_rows(tokenizer, seed, length), size)

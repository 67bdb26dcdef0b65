"""The training stream: whole trajectories packed into rows, with a mask of what is to be learnt."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.nano.curriculum import sample
from models.nano.curriculum.trajectory import Trajectory

Encoded = tuple[list[int], list[bool]]
POOL = 48
"""Trajectories that wait to be fitted into the row being filled."""


def encode(tokenizer: Tokenizer, trajectory: Trajectory) -> Encoded:
    """Token ids of the whole text, and for each whether the model is to write it."""
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


def rows(
    tokenizer: Tokenizer, seed: int, length: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Endless rows of `length` + 1 tokens (ids, learnt), the longest that fits put in next."""
    rng = random.Random(seed)
    pool: list[Encoded] = []
    while True:
        ids, flags = np.zeros(length + 1, np.int64), np.zeros(length + 1, np.bool_)
        at = 0
        while True:
            while len(pool) < POOL:
                encoded = encode(tokenizer, sample(rng))
                if len(encoded[0]) <= length:
                    pool.append(encoded)
            fitting = [i for i, (tokens, _) in enumerate(pool) if len(tokens) <= length + 1 - at]
            if not fitting:
                break
            best = pool.pop(max(fitting, key=lambda i: len(pool[i][0])) if at else fitting[0])
            ids[at : at + len(best[0])], flags[at : at + len(best[0])] = best
            at += len(best[0])
        yield ids, flags


def batches(
    tokenizer: Tokenizer, seed: int, size: int, length: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Endless batches (size, length + 1)."""
    stream = rows(tokenizer, seed, length)
    while True:
        drawn = [next(stream) for _ in range(size)]
        yield np.stack([ids for ids, _ in drawn]), np.stack([flags for _, flags in drawn])

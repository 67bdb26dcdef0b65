"""Packs encoded training texts into rows of one length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.pack_texts import Encoded, group_texts

Row = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""Token ids of a packed row and its mask of learnt tokens, both arrays (length + 1,)."""
POOL = 48
"""Number of texts among which the one that fits best into the current row is chosen."""


def pack_rows(texts: Iterator[Encoded], length: int, padding: int = 0) -> Iterator[Row]:
    """Yield endless rows of `length` + 1 tokens, each packed with whole texts.

    The longest text that still fits comes next; texts longer than `length` are left out. Unused
    places at the end hold the token `padding`, which is not learnt.
    """
    for group in group_texts(texts, length + 1, length, POOL):
        ids, learnt = np.full(length + 1, padding, np.int64), np.zeros(length + 1, np.bool_)
        at = 0
        for tokens, flags in group:
            end = at + len(tokens)
            ids[at:end], learnt[at:end] = tokens, flags
            at = end
        yield ids, learnt


def stack_rows(rows: Iterator[Row], size: int) -> Iterator[Row]:
    """Yield endless batches of `size` rows: ids and mask, arrays (size, length + 1)."""
    while True:
        drawn = [next(rows) for _ in range(size)]
        yield np.stack([ids for ids, _ in drawn]), np.stack([learnt for _, learnt in drawn])

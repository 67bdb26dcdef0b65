"""What a vector index must offer to be raced against the store, and the rows that all get."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from rm_local.arrays import Floats, Ids

SAMPLED_PLACES = 64
"""Blocks, evenly spread over the rows, that a training sample is taken from."""


class Vectors(Protocol):
    """Rows that every peer gets, in blocks, the same each time. Can be pickled."""

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def block_rows(self) -> int:
        """Rows in a block; the last one may have fewer."""

    def vectors(self, number: int) -> Floats:
        """(n, d), rows of length 1: block `number`, counted from 0."""


@dataclass(frozen=True, slots=True)
class PeerSetting:
    """How thoroughly a peer is asked."""

    breadth: int
    """What it looks through: lists probed, `ef`, candidates."""
    depth: int = 0
    """Rows for which its codes are replaced by better ones, for each row wanted; 0 = it does not
    rank again."""


class Searcher(Protocol):
    """An index open for queries, on one thread."""

    def search(self, query: Floats, k: int, dial: PeerSetting) -> Ids:
        """Numbers of the `k` rows found nearest to `query`, (d,), counted from 0."""


class Peer(Protocol):
    """One index of one library. Can be pickled; imports its library only when it is called."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def package(self) -> str:
        """The module to import."""

    @property
    def install(self) -> str:
        """What pip installs."""

    @property
    def breadth(self) -> str:
        """The library's word for `Dial.breadth`; empty where there is nothing to turn."""

    @property
    def depths(self) -> tuple[int, ...]:
        """Values of `Dial.depth` worth trying; the quickest that is good enough is taken."""

    def widest(self, rows: int) -> int:
        """The largest `Dial.breadth` that says anything with this many rows."""

    def build(self, rows: Vectors, dimension: int, folder: Path, threads: int) -> None:
        """Index all rows, numbered from 0, and leave the index in `folder`, which is empty."""

    def open(self, folder: Path, dimension: int) -> Searcher:
        """The index that `build` left there."""


class TimedVectors:
    """Rows that know how long it took to make them, so that a build is not charged for it."""

    def __init__(self, source: Vectors) -> None:
        self._source = source
        self.seconds = 0.0

    @property
    def rows(self) -> int:
        """How many there are."""
        return self._source.rows

    @property
    def block_rows(self) -> int:
        """Rows in a block; the last one may have fewer."""
        return self._source.block_rows

    def vectors(self, number: int) -> Floats:
        """Block `number`, contiguous."""
        started = time.perf_counter()
        try:
            return np.ascontiguousarray(self._source.vectors(number), dtype=np.float32)
        finally:
            self.seconds += time.perf_counter() - started


def blocks(rows: Vectors) -> Iterator[tuple[int, Floats]]:
    """Each block with the number of its first row."""
    for number in range(-(-rows.rows // rows.block_rows)):
        yield number * rows.block_rows, rows.vectors(number)


def sample(rows: Vectors, wanted: int) -> Floats:
    """(n, d), n <= `wanted`: rows to train on, as many from each of up to 64 places."""
    count = -(-rows.rows // rows.block_rows)
    places = np.unique(np.linspace(0, count - 1, min(count, SAMPLED_PLACES)).astype(int))
    rng = np.random.default_rng(0)
    each = -(-wanted // len(places))
    taken = []
    for number in places.tolist():
        block = rows.vectors(number)
        taken.append(block[rng.permutation(len(block))[:each]])
    return np.concatenate(taken)[:wanted]


def lists(rows: int) -> int:
    """Lists of an inverted file: the power of two nearest to 2 sqrt(rows), 2,048 at 1M."""
    return int(2 ** max(0, round(np.log2(2 * max(rows, 1) ** 0.5))))

"""Protocols of a vector index for comparison with the store (a peer), and of its rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from rm_local.arrays import Floats, Ids

SAMPLED_PLACES = 64
"""Number of blocks in a training sample, evenly spread over the rows."""


class VectorSource(Protocol):
    """Source of the vectors that every peer indexes, in blocks that are the same in each call.

    It can be pickled.
    """

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def block_rows(self) -> int:
        """Rows in a block; the last one may have fewer."""

    def make_vectors(self, number: int) -> Floats:
        """Return block `number`, counted from 0, as an array (n, d) with rows of length 1."""


@dataclass(frozen=True, slots=True)
class PeerSetting:
    """Setting of a peer's search that trades recall against time."""

    breadth: int
    """Number of inverted lists to scan, `ef` of HNSW, or number of candidates, by the peer."""
    depth: int = 0
    """Reranked candidates per wanted row; 0 = no reranking."""


class PeerSearcher(Protocol):
    """An index of a peer, open for searches; a search uses one thread."""

    def search(self, query: Floats, k: int, setting: PeerSetting) -> Ids:
        """Return the numbers, counted from 0, of the `k` rows found nearest to `query`."""


class Peer(Protocol):
    """One kind of index of another library, for comparison with the store.

    It can be pickled, and imports the library only in its methods.
    """

    @property
    def name(self) -> str:
        """Name of the index in the table of results."""

    @property
    def module_name(self) -> str:
        """Name of the library's Python module."""

    @property
    def pip_name(self) -> str:
        """Name of the library's package for pip."""

    @property
    def breadth_name(self) -> str:
        """The library's word for `PeerSetting.breadth`; empty if it has no such setting."""

    @property
    def depths(self) -> tuple[int, ...]:
        """Values of `PeerSetting.depth` to try; the fastest with the wanted recall is chosen."""

    def get_max_breadth(self, rows: int) -> int:
        """Return the largest `PeerSetting.breadth` that has an effect with this many rows."""

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Index all rows, numbered from 0, and write the index to the empty folder `folder`."""

    def open_index(self, folder: Path, dimension: int) -> PeerSearcher:
        """Open the index written to `folder` by `build_index`."""


class TimedVectorSource:
    """A source of vectors that wraps another one and adds up in `seconds` the time spent in it."""

    def __init__(self, source: VectorSource) -> None:
        self._source = source
        self.seconds = 0.0

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._source.rows

    @property
    def block_rows(self) -> int:
        """Rows in a block; the last one may have fewer."""
        return self._source.block_rows

    def make_vectors(self, number: int) -> Floats:
        """Return block `number` as a contiguous float32 array (n, d)."""
        started = time.perf_counter()
        try:
            return np.ascontiguousarray(self._source.make_vectors(number), dtype=np.float32)
        finally:
            self.seconds += time.perf_counter() - started


def iter_vector_blocks(rows: VectorSource) -> Iterator[tuple[int, Floats]]:
    """Yield each block with the number of its first row."""
    for number in range(-(-rows.rows // rows.block_rows)):
        yield number * rows.block_rows, rows.make_vectors(number)


def sample_rows(rows: VectorSource, wanted: int) -> Floats:
    """Sample at most `wanted` training rows, equally many from up to 64 blocks: an array (n, d)."""
    count = -(-rows.rows // rows.block_rows)
    places = np.unique(np.linspace(0, count - 1, min(count, SAMPLED_PLACES)).astype(int))
    rng = np.random.default_rng(0)
    each = -(-wanted // len(places))
    sampled = []
    for number in places.tolist():
        block = rows.make_vectors(number)
        sampled.append(block[rng.permutation(len(block))[:each]])
    return np.concatenate(sampled)[:wanted]


def choose_inverted_list_count(rows: int) -> int:
    """Choose the number of inverted lists: the power of two nearest to 2 sqrt(rows)."""
    return int(2 ** max(0, round(np.log2(2 * max(rows, 1) ** 0.5))))

"""A made-up corpus of any size, around embeddings of real sentences, as a source of a bulk build.

A row is an anchor, the embedding of a real sentence, plus normal noise in the span of the anchor's
nearest neighbours, renormalised. A sample of such rows is about as crowded and has about the local
dimension of real sentences (docs/measurements/bench.md); in one of 32 million a held-out sentence
finds its nearest as near as the growth of real collections lets one expect (STORE 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.corpus.seed_vectors import (
    FOLDER as ANCHORS,
    NEIGHBOURS,
    make_anchors,
    open_anchors,
)
from rm_local.bench.corpus.texts import Strings, labels, wording
from rm_local.errors import UsageError
from rm_local.progress import ProgressCallback
from rm_local.records import Entry
from rm_local.store import EntryBatch

BLOCK_ROWS = 8192
ANCHOR_ROWS = 32
"""Rows of one anchor in a block, so that their noise is one product of matrices."""
BLOCK_ANCHORS = BLOCK_ROWS // ANCHOR_ROWS
SCALE = 0.9
"""Standard deviation of a row about its anchor, in those of the neighbours about their mean."""
ORDER, NOISE, WORDS, ALIKE = range(4)
"""Streams of random numbers: those of a block do not depend on another's."""


@dataclass(frozen=True)
class SyntheticSource:
    """Distinct entries and their vectors; block b depends on the seed, the sentences and b alone.

    `folder` is a corpus (`rm_local.bench.corpus.corpus`). Pickled, it is no more than these three.
    """

    rows: int
    seed: int
    folder: Path

    @property
    def fingerprint(self) -> str:
        """Of all that rows are made from."""
        return f"synth 1, seed {self.seed}, sentences {self.folder.name}"

    @property
    def block_rows(self) -> int:
        """Rows in a block."""
        return BLOCK_ROWS

    @property
    def blocks(self) -> int:
        """How many there are."""
        return -(-self.rows // BLOCK_ROWS)

    def prepare(self, report: ProgressCallback) -> None:
        """Embed the anchors, unless that was done before: minutes. Only vectors need them."""
        from rm_local.embed import BulkEmbedder

        if (self.folder / ANCHORS).exists():
            return
        texts = wording(self.folder)
        embed = BulkEmbedder(half=True).embed
        make_anchors(self.folder, texts.anchors, texts.held_out, embed, report)

    def block(self, number: int) -> EntryBatch:
        """Entries and vectors of one block. RmLocalError: the anchors are not there."""
        return self.entries(number), self.vectors(number)

    def vectors(self, number: int) -> Floats:
        """(rows, d), of length 1: those of block `number`."""
        chosen, _ = self._chosen(number)
        noise = self._rng(NOISE, number).standard_normal(
            (BLOCK_ANCHORS, ANCHOR_ROWS, NEIGHBOURS), np.float32
        )
        return _around(self.folder, chosen, noise)[self._order(number)]

    def entries(self, number: int) -> list[Entry]:
        """The entries of block `number`, in the order of its vectors."""
        chosen, passes = self._chosen(number)
        order = self._order(number)
        slots = order // ANCHOR_ROWS
        turns = passes[slots] * ANCHOR_ROWS + order % ANCHOR_ROWS
        rows = number * BLOCK_ROWS + np.arange(len(order))
        named = _labels(self.folder, self.seed)
        rng = self._rng(WORDS, number)
        return wording(self.folder).entries(rows, chosen[slots], turns, named, rng)

    def topics(self, number: int) -> Ids:
        """The anchor of each row of block `number`: which of the sentences it is about."""
        return self._chosen(number)[0][self._order(number) // ANCHOR_ROWS]

    def queries(self, kind: Literal["real", "alike"], count: int) -> Floats:
        """(count, d): of held-out real sentences, or drawn like the rows but not among them.

        UsageError: there are not so many held out.
        """
        anchors = open_anchors(self.folder)
        if kind == "real":
            if count > len(anchors.queries):
                message = f"Only {len(anchors.queries):,} sentences are held out as queries."
                raise UsageError(message, "Ask for fewer.")
            return np.array(anchors.queries[:count])
        rng = self._rng(ALIKE, 0)
        chosen = rng.integers(0, len(anchors.vectors), count)
        return _around(self.folder, chosen, rng.standard_normal((count, 1, NEIGHBOURS), np.float32))

    def _chosen(self, number: int) -> tuple[Ids, Ids]:
        """The anchors of a block, and how often each was chosen before it: all in turn."""
        turn = _turn(self.folder, self.seed)
        place = number * BLOCK_ANCHORS + np.arange(BLOCK_ANCHORS)
        return turn[place % len(turn)], place // len(turn)

    def _order(self, number: int) -> Ids:
        """Which row of the anchors' each row of the block is."""
        left = min(BLOCK_ROWS, self.rows - number * BLOCK_ROWS)
        return self._rng(ORDER, number).permutation(BLOCK_ROWS)[:left]

    def _rng(self, stream: int, number: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, stream, number))


def _around(folder: Path, chosen: Ids, noise: Floats) -> Floats:
    """(n * m, d): m rows around each of n anchors; `noise` is standard normal, (n, m, 32)."""
    anchors = open_anchors(folder)
    # Noise without its mean does what neighbours without theirs would.
    weights = noise - noise.mean(axis=2, keepdims=True)
    weights *= SCALE / NEIGHBOURS**0.5
    near = anchors.vectors[anchors.near[chosen].reshape(-1)]
    rows = weights @ near.reshape(len(chosen), NEIGHBOURS, -1)
    rows += anchors.vectors[chosen][:, None]
    flat: Floats = rows.reshape(-1, rows.shape[2])
    flat /= np.sqrt(np.einsum("ij,ij->i", flat, flat))[:, None]
    return flat


@lru_cache(maxsize=4)
def _turn(folder: Path, seed: int) -> Ids:
    """The order in which anchors are chosen, over and over."""
    return np.random.default_rng(seed).permutation(len(wording(folder).anchors))


@lru_cache(maxsize=4)
def _labels(folder: Path, seed: int) -> list[Strings]:
    return labels(len(wording(folder).anchors), seed)

"""A synthetic corpus of any size for bulk builds, made from embeddings of real sentences.

A row is an anchor (the embedding of a real sentence) plus normal noise in the span of the anchor's
nearest neighbours, scaled to length 1. Density and local dimension of such rows are about those of
real sentences (docs/measurements/bench.md). Among 32 million rows the nearest neighbour of a
held-out sentence is as near as an extrapolation from real collections predicts.
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
    NEIGHBORS,
    open_anchor_embeddings,
    write_anchor_files_if_missing,
)
from rm_local.bench.corpus.texts import Strings, draw_anchor_labels, load_text_composer
from rm_local.errors import UsageError
from rm_local.progress import ProgressCallback
from rm_local.records import Entry
from rm_local.store import EntryBatch

BLOCK_ROWS = 8192
ANCHOR_ROWS = 32
"""Number of rows around each anchor of a block; one matrix product makes their noise."""
BLOCK_ANCHORS = BLOCK_ROWS // ANCHOR_ROWS
SCALE = 0.9
"""Standard deviation of rows around their anchor, relative to that of the anchor's neighbours."""
ORDER, NOISE, WORDS, ALIKE = range(4)
"""Numbers of random streams, part of a generator's seed with the seed and the block's number."""


@dataclass(frozen=True)
class SyntheticSource:
    """A source of `rows` distinct synthetic entries and their vectors, made block by block.

    A block depends only on `seed`, on its number, and on the sentences of the corpus in `folder`
    (`rm_local.bench.corpus.corpus`). A pickle holds only the three fields.
    """

    rows: int
    seed: int
    folder: Path

    @property
    def fingerprint(self) -> str:
        """Text that identifies the content of the rows, except their number."""
        return f"synth 1, seed {self.seed}, sentences {self.folder.name}"

    @property
    def block_rows(self) -> int:
        """Number of rows in a block; the last block may have fewer."""
        return BLOCK_ROWS

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.rows // BLOCK_ROWS)

    def embed_anchors_if_missing(self, report: ProgressCallback) -> None:
        """Embed the anchors unless the corpus has them; takes minutes. Only vectors need them."""
        from rm_local.embed import open_text_embedder

        if (self.folder / ANCHORS).exists():
            return
        texts = load_text_composer(self.folder)
        count = len(texts.anchor_sentences) + len(texts.held_out_sentences)
        with open_text_embedder(None, count, half=True) as embedder:
            write_anchor_files_if_missing(
                self.folder,
                texts.anchor_sentences,
                texts.held_out_sentences,
                embedder,
                report,
            )

    def read_block(self, number: int) -> EntryBatch:
        """Make the entries and vectors of one block.

        Raises:
            RmLocalError: The anchors have not been embedded.
        """
        return self.make_block_entries(number), self.make_vectors(number)

    def make_vectors(self, number: int) -> Floats:
        """Make the vectors of block `number`: an array (rows, d) with rows of length 1."""
        chosen, _ = self._choose_anchors_and_count_earlier_uses(number)
        noise = self._make_rng(NOISE, number).standard_normal(
            (BLOCK_ANCHORS, ANCHOR_ROWS, NEIGHBORS), np.float32
        )
        return _make_vectors_around_anchors(self.folder, chosen, noise)[
            self._draw_row_order(number)
        ]

    def make_block_entries(self, number: int) -> list[Entry]:
        """Make the entries of block `number`, in the order of its vectors."""
        chosen, passes = self._choose_anchors_and_count_earlier_uses(number)
        order = self._draw_row_order(number)
        slots = order // ANCHOR_ROWS
        turns = passes[slots] * ANCHOR_ROWS + order % ANCHOR_ROWS
        rows = number * BLOCK_ROWS + np.arange(len(order))
        named = _draw_corpus_anchor_labels(self.folder, self.seed)
        rng = self._make_rng(WORDS, number)
        return load_text_composer(self.folder).compose_entries(
            rows, chosen[slots], turns, named, rng
        )

    def list_row_anchors(self, number: int) -> Ids:
        """Return the number of the anchor (the main sentence) of each row of block `number`."""
        return self._choose_anchors_and_count_earlier_uses(number)[0][
            self._draw_row_order(number) // ANCHOR_ROWS
        ]

    def make_queries(self, kind: Literal["real", "alike"], count: int) -> Floats:
        """Return query vectors as an array (count, d).

        `real` queries embed held-out real sentences; `alike` queries are made like the rows, at
        random, but are not among them.

        Raises:
            UsageError: Fewer sentences than `count` are held out.
        """
        anchors = open_anchor_embeddings(self.folder)
        if kind == "real":
            if count > len(anchors.queries):
                message = f"Only {len(anchors.queries):,} sentences are held out as queries."
                raise UsageError(message, "Ask for fewer.")
            return np.array(anchors.queries[:count])
        rng = self._make_rng(ALIKE, 0)
        chosen = rng.integers(0, len(anchors.vectors), count)
        return _make_vectors_around_anchors(
            self.folder, chosen, rng.standard_normal((count, 1, NEIGHBORS), np.float32)
        )

    def _choose_anchors_and_count_earlier_uses(self, number: int) -> tuple[Ids, Ids]:
        """Return the anchors of a block, chosen in turn, and how often earlier blocks used each."""
        turn = _shuffle_anchor_numbers(self.folder, self.seed)
        place = number * BLOCK_ANCHORS + np.arange(BLOCK_ANCHORS)
        return turn[place % len(turn)], place // len(turn)

    def _draw_row_order(self, number: int) -> Ids:
        """Return the rows of a block in random order; fewer in a last, shorter block."""
        left = min(BLOCK_ROWS, self.rows - number * BLOCK_ROWS)
        return self._make_rng(ORDER, number).permutation(BLOCK_ROWS)[:left]

    def _make_rng(self, stream: int, number: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, stream, number))


def _make_vectors_around_anchors(folder: Path, chosen: Ids, noise: Floats) -> Floats:
    """Make m random unit vectors near each of n anchor vectors: an array (n * m, d).

    `chosen` are the numbers of the n anchors. Each vector is the anchor plus a random combination
    of its 32 nearest anchors; `noise` has the weights, a standard normal array (n, m, 32).
    """
    anchors = open_anchor_embeddings(folder)
    # Subtracting the mean of the noise has the effect of centring the neighbours.
    weights = noise - noise.mean(axis=2, keepdims=True)
    weights *= SCALE / NEIGHBORS**0.5
    near = anchors.vectors[anchors.near[chosen].reshape(-1)]
    rows = weights @ near.reshape(len(chosen), NEIGHBORS, -1)
    rows += anchors.vectors[chosen][:, None]
    flat: Floats = rows.reshape(-1, rows.shape[2])
    flat /= np.sqrt(np.einsum("ij,ij->i", flat, flat))[:, None]
    return flat


@lru_cache(maxsize=4)
def _shuffle_anchor_numbers(folder: Path, seed: int) -> Ids:
    """Return the numbers of all anchors in random order, in which blocks use them repeatedly."""
    return np.random.default_rng(seed).permutation(len(load_text_composer(folder).anchor_sentences))


@lru_cache(maxsize=4)
def _draw_corpus_anchor_labels(folder: Path, seed: int) -> list[Strings]:
    return draw_anchor_labels(len(load_text_composer(folder).anchor_sentences), seed)

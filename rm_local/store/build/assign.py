"""The spill stage: entries and vectors to columns, parted by groups of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Floats, Ids
from rm_local.errors import StoreError
from rm_local.progress import DoneCallback
from rm_local.records import Entry
from rm_local.store.build.columns import Columns, joined
from rm_local.store.build.source import EntryBatch, EntrySource
from rm_local.store.build.spill import Spill
from rm_local.store.build.train import Trained
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.codec.text_blocks import join_texts
from rm_local.store.sqlite.tables import make_label

GROUP_ROWS = 200_000
"""Rows in a group, about: what is sorted in memory and written in one transaction."""

MOST_GROUPS = 128
"""Files that a stripe writes side by side."""

APPEND_ROWS = 50_000
"""Rows that a stripe holds in memory, about, and gives their clusters in one go."""

CHECKPOINT_ROWS = 1_000_000
"""Rows of a stripe between two checkpoints, about: what a stop makes the build do again at most."""


def group_edges(starts: Ids, rows: int) -> Ids:
    """The first cluster of each group, and the number of clusters; groups hold whole supers."""
    groups = min(MOST_GROUPS, len(starts) - 1, max(1, rows // GROUP_ROWS))
    places = np.linspace(0, len(starts) - 1, groups + 1).round().astype(int)
    return np.asarray(starts[places], dtype=np.int64)


@dataclass(frozen=True)
class Stripe:
    """Every `of`th block of a source from block `number` on, and where its rows go."""

    source: EntrySource
    folder: Path
    number: int
    of: int
    rows: int
    """Of the whole source."""

    @cached_property
    def blocks(self) -> range:
        """Numbers of its blocks in the source."""
        return range(self.number, -(-self.rows // self.source.block_rows), self.of)

    def spill(self, groups: int) -> Spill:
        """Its files."""
        return Spill(self.folder / f"stripe-{self.number}", groups)


def encode(stripe: Stripe, trained: Trained, tell: DoneCallback) -> None:
    """Bring the rows of `stripe` that are not on disk yet there; `tell` is told how many are.

    StoreError: a block has another number of rows than the source says. OSError: the disk fails.
    """
    source = stripe.source
    edges = group_edges(trained.clusters.starts, stripe.rows)
    spill = stripe.spill(len(edges) - 1)
    spill.cut_back()
    encoder = Encoder(trained, spill)
    held: list[tuple[int, EntryBatch]] = []
    unsafe = waiting = 0
    for done, number in enumerate(stripe.blocks[spill.blocks :], spill.blocks + 1):
        first = number * source.block_rows
        held.append((first, _block(stripe, number)))
        waiting += len(held[-1][1][0])
        last = done == len(stripe.blocks)
        if last or waiting >= APPEND_ROWS:
            spill.append(parted(encoder.columns(held), edges))
            held.clear()
            unsafe, waiting = unsafe + waiting, 0
        if last or unsafe >= CHECKPOINT_ROWS:
            spill.checkpoint(done)
            unsafe = 0
        tell(spill.rows + waiting)


def _block(stripe: Stripe, number: int) -> EntryBatch:
    """A block of the source. StoreError: it is not as long as the source says."""
    entries, vectors = stripe.source.block(number)
    expected = min(stripe.source.block_rows, stripe.rows - number * stripe.source.block_rows)
    for rows in (len(entries), len(vectors)):
        if rows != expected:
            raise StoreError(f"Block {number} of the source has {rows:,} rows, not {expected:,}.")
    return entries, vectors


class Encoder:
    """Turns batches into columns."""

    def __init__(self, trained: Trained, spill: Spill) -> None:
        self._clusters = trained.clusters
        self._quantizer = Quantizer(len(trained.mean), trained.step, trained.mean, trained.rotation)
        self._labels = spill.labels

    def columns(self, batches: Sequence[tuple[int, EntryBatch]]) -> Columns:
        """The rows of batches, each with the row of the source with which it begins."""
        units = [self._quantizer.normalize_rows(vectors) for _, (_, vectors) in batches]
        clusters = self._clusters.assign_rows(np.concatenate(units)).astype(np.int32)
        bounds = np.cumsum([0, *map(len, units)])
        return joined(
            [
                self._coded(first, entries, unit, clusters[start:end])
                for (first, (entries, _)), unit, (start, end) in zip(
                    batches, units, pairwise(bounds.tolist()), strict=True
                )
            ]
        )

    def _coded(
        self, first: int, entries: Sequence[Entry], unit: Floats, clusters: NDArray[np.int32]
    ) -> Columns:
        labels = list(map(make_label, entries))
        for label in dict.fromkeys(labels):
            self._labels.setdefault(label, len(self._labels))
        return Columns(
            np.arange(first, first + len(entries), dtype=np.int64),
            clusters,
            np.array([self._labels[label] for label in labels], np.int32),
            self._quantizer.encode_bits(unit),
            self._quantizer.to_int8(unit),
            [join_texts(entry.subproblem, entry.subroutine) for entry in entries],
        )


def parted(columns: Columns, edges: Ids) -> dict[int, Columns]:
    """The rows of each group that has some; `edges` as `group_edges` gives them."""
    groups = np.searchsorted(edges, columns.clusters, side="right") - 1
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(len(edges)))
    return {
        group: columns.chosen(order[bounds[group] : bounds[group + 1]])
        for group in range(len(edges) - 1)
        if bounds[group] < bounds[group + 1]
    }

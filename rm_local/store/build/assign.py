"""Encodes the entries of a bulk build as columns, and spills them to disk by group of clusters."""

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
from rm_local.store.build.columns import EncodedColumns, concat_columns
from rm_local.store.build.source import EntryBatch, EntrySource
from rm_local.store.build.spill import SpillFiles
from rm_local.store.build.train import TrainedParams
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.codec.text_blocks import check_and_join_texts
from rm_local.store.sqlite.tables import make_storable_metadata

GROUP_ROWS = 200_000
"""Approximate rows of a group of clusters: sorted in memory and written in one transaction."""

MAX_GROUPS = 128
"""Maximum number of groups of clusters in a build. Each stripe has a file for each group."""

APPEND_ROWS = 50_000
"""Approximate number of rows of a stripe that are assigned to clusters in one call."""

CHECKPOINT_ROWS = 1_000_000
"""Approximate number of rows of a stripe between two checkpoints; a resumed build encodes at most
these again."""


def compute_cluster_group_bounds(starts: Ids, rows: int) -> Ids:
    """Divide the clusters into groups; return the bounds of these: an array (groups + 1,).

    Group i has the clusters `edges[i]` to `edges[i + 1] - 1`. `starts` are the bounds of
    super-clusters, which are not divided. A group has about GROUP_ROWS of the `rows` entries.
    """
    groups = min(MAX_GROUPS, len(starts) - 1, max(1, rows // GROUP_ROWS))
    places = np.linspace(0, len(starts) - 1, groups + 1).round().astype(int)
    return np.asarray(starts[places], dtype=np.int64)


@dataclass(frozen=True)
class SourceStripe:
    """A process's share of the source of a build: every `of`th block, from block `number` on."""

    source: EntrySource
    folder: Path
    """Folder of the build, with the spill files of all stripes."""
    number: int
    of: int
    rows: int
    """Number of entries in the whole source."""

    @cached_property
    def blocks(self) -> range:
        """Numbers of the source's blocks that belong to the stripe."""
        return range(self.number, -(-self.rows // self.source.block_rows), self.of)

    def open_spill(self, groups: int) -> SpillFiles:
        """Return the spill files of the stripe, one for each of `groups` groups of clusters."""
        return SpillFiles(self.folder / f"stripe-{self.number}", groups)


def encode_and_spill_stripe(
    stripe: SourceStripe, trained: TrainedParams, on_done: DoneCallback
) -> None:
    """Encode the rows of `stripe` after its last checkpoint, and append them to its spill files.

    `on_done` gets the number of encoded rows of the stripe so far.

    Raises:
        StoreError: The number of rows of a block is not the one declared by the source.
        OSError: The disk fails.
    """
    source = stripe.source
    edges = compute_cluster_group_bounds(trained.clusters.starts, stripe.rows)
    spill = stripe.open_spill(len(edges) - 1)
    spill.truncate_to_checkpoint()
    encoder = BatchEncoder(trained, spill)
    held: list[tuple[int, EntryBatch]] = []
    unsafe = waiting = 0
    for done, number in enumerate(stripe.blocks[spill.blocks :], spill.blocks + 1):
        first = number * source.block_rows
        held.append((first, _read_and_check_block(stripe, number)))
        waiting += len(held[-1][1][0])
        last = done == len(stripe.blocks)
        if last or waiting >= APPEND_ROWS:
            spill.append(
                split_by_cluster_group(encoder.encode_batches_and_number_labels(held), edges)
            )
            held.clear()
            unsafe, waiting = unsafe + waiting, 0
        if last or unsafe >= CHECKPOINT_ROWS:
            spill.write_checkpoint(done)
            unsafe = 0
        on_done(spill.rows + waiting)


def _read_and_check_block(stripe: SourceStripe, number: int) -> EntryBatch:
    """Return entries and vectors of block `number` of the stripe's source.

    Raises:
        StoreError: The number of its rows is not the one declared by the source.
    """
    entries, vectors = stripe.source.read_block(number)
    expected = min(stripe.source.block_rows, stripe.rows - number * stripe.source.block_rows)
    for rows in (len(entries), len(vectors)):
        if rows != expected:
            raise StoreError(f"Block {number} of the source has {rows:,} rows, not {expected:,}.")
    return entries, vectors


class BatchEncoder:
    """Encodes a build's entries and vectors as `EncodedColumns`, by trained parameters.

    New labels get the next free numbers in `spill`.
    """

    def __init__(self, trained: TrainedParams, spill: SpillFiles) -> None:
        self._clusters = trained.clusters
        self._quantizer = Quantizer(len(trained.mean), trained.step, trained.mean, trained.rotation)
        self._labels = spill.labels

    def encode_batches_and_number_labels(
        self, batches: Sequence[tuple[int, EntryBatch]]
    ) -> EncodedColumns:
        """Return the encoded rows of all batches, in their order; add new labels to the spill.

        Each batch is paired with the row number of its first entry in the source.
        """
        units = [self._quantizer.normalize_rows(vectors) for _, (_, vectors) in batches]
        clusters = self._clusters.assign_rows(np.concatenate(units)).astype(np.int32)
        bounds = np.cumsum([0, *map(len, units)])
        return concat_columns(
            [
                self._encode_batch_and_number_labels(
                    first, entries, unit_vectors, clusters[start:end]
                )
                for (first, (entries, _)), unit_vectors, (start, end) in zip(
                    batches, units, pairwise(bounds.tolist()), strict=True
                )
            ]
        )

    def _encode_batch_and_number_labels(
        self,
        first: int,
        entries: Sequence[Entry],
        unit_vectors: Floats,
        clusters: NDArray[np.int32],
    ) -> EncodedColumns:
        labels = list(map(make_storable_metadata, entries))
        for label in dict.fromkeys(labels):
            self._labels.setdefault(label, len(self._labels))
        return EncodedColumns(
            np.arange(first, first + len(entries), dtype=np.int64),
            clusters,
            np.array([self._labels[label] for label in labels], np.int32),
            self._quantizer.encode_sign_bits(unit_vectors),
            self._quantizer.to_int8(unit_vectors),
            [check_and_join_texts(entry.subproblem, entry.subroutine) for entry in entries],
        )


def split_by_cluster_group(columns: EncodedColumns, edges: Ids) -> dict[int, EncodedColumns]:
    """Return the rows of each group of clusters, by number of the group, without empty groups.

    `edges` are the groups' bounds from `compute_cluster_group_bounds`.
    """
    groups = np.searchsorted(edges, columns.clusters, side="right") - 1
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(len(edges)))
    return {
        group: columns.select_rows(order[bounds[group] : bounds[group + 1]])
        for group in range(len(edges) - 1)
        if bounds[group] < bounds[group + 1]
    }

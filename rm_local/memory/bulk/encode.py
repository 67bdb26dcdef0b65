"""The spill stage: entries and vectors to columns, parted by groups of clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rm_local.errors import StoreError
from rm_local.memory.bulk.source import Batch, Meter, Source
from rm_local.memory.bulk.spill import Columns, Spill, joined
from rm_local.memory.clusters import Clusters
from rm_local.memory.codes import Quantiser
from rm_local.memory.rows import label_of
from rm_local.memory.texts import raw_row

GROUP_ROWS = 200_000
"""Rows in a group, about: what is sorted in memory and written in one transaction."""

MOST_GROUPS = 128
"""Files that are written side by side."""

CHECKPOINT_ROWS = 200_000
"""Rows between two checkpoints, about: what a stop makes the build do again at most."""

BEAM = 6
"""Super-clusters among whose clusters a row finds its own (STORE 3.3)."""

Ids = NDArray[np.int64]


def group_edges(starts: Ids, rows: int) -> Ids:
    """The first cluster of each group, and the number of clusters; groups hold whole supers."""
    groups = min(MOST_GROUPS, len(starts) - 1, max(1, rows // GROUP_ROWS))
    places = np.linspace(0, len(starts) - 1, groups + 1).round().astype(int)
    return np.asarray(starts[places], dtype=np.int64)


def encode(
    source: Source,
    spill: Spill,
    clusters: Clusters,
    quantiser: Quantiser,
    edges: Ids,
    meter: Meter,
) -> None:
    """Bring the rows of `source` that are not in `spill` yet into it.

    StoreError: the source has another number of rows than it says.
    """
    spill.cut_back()
    held: list[Columns] = []
    done = spill.rows
    for number in range(done // source.block_rows, -(-source.rows // source.block_rows)):
        batch = source.block(number)
        held.append(_columns(batch, spill, clusters, quantiser))
        done += len(held[-1])
        if done - spill.rows >= CHECKPOINT_ROWS:
            spill.checkpoint(_parted(joined(held), edges), done)
            held.clear()
        meter.reach(done)
    if done != source.rows:
        raise StoreError(f"The source has {done:,} rows, but says it has {source.rows:,}.")
    if held:
        spill.checkpoint(_parted(joined(held), edges), done)


def _columns(batch: Batch, spill: Spill, clusters: Clusters, quantiser: Quantiser) -> Columns:
    entries, vectors = batch
    unit = quantiser.unit(vectors)
    labels = list(map(label_of, entries))
    for label in set(labels).difference(spill.labels):
        spill.labels[label] = len(spill.labels) + 1
    return Columns(
        clusters.assign(unit, BEAM).astype(np.int32),
        np.array([spill.labels[label] for label in labels], np.int32),
        quantiser.bits(unit),
        quantiser.int8(unit),
        [raw_row(entry.subproblem, entry.subroutine) for entry in entries],
    )


def _parted(columns: Columns, edges: Ids) -> dict[int, Columns]:
    """The rows of each group that has some."""
    groups = np.searchsorted(edges, columns.clusters, side="right") - 1
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(len(edges)))
    return {
        group: columns.chosen(order[bounds[group] : bounds[group + 1]])
        for group in range(len(edges) - 1)
        if bounds[group] < bounds[group + 1]
    }

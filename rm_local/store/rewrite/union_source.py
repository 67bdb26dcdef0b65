"""Reads the entries of several stores in sequence, without repeated ones, as a build's source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from rm_local.arrays import Ids
from rm_local.errors import EmbedderMismatchError, StoreError, UsageError
from rm_local.files import write_atomically
from rm_local.progress import DoneCallback, ProgressCallback, ProgressMeter, ignore_progress
from rm_local.records import Entry
from rm_local.store.build.source import EntryBatch
from rm_local.store.rewrite import fingerprints
from rm_local.store.rewrite.sparse_ids import SparseRange
from rm_local.store.rewrite.store_source import READ_ROWS, PickleByFields, StoreEntrySource
from rm_local.work_folder import make_or_reuse_work_folder


@dataclass(frozen=True, eq=False)
class StoreUnionSource(PickleByFields):
    """The entries of all `stores` in order, without repeated ones: a source for a bulk build."""

    stores: tuple[StoreEntrySource, ...]
    left_out: Path
    """A .npy file with the positions of repeated entries, counted across all stores."""
    rows: int
    fingerprint: str
    block_rows: int = READ_ROWS

    @property
    def omitted_count(self) -> int:
        """Number of entries left out because an earlier one has the same texts."""
        return sum(store.rows for store in self.stores) - self.rows

    def read_block(self, number: int) -> EntryBatch:
        """Return entries and vectors of block `number`, counted from 0."""
        first = number * self.block_rows
        places = self._kept_positions.find_ids_at(
            np.arange(first, min(first + self.block_rows, self.rows))
        )
        entries: list[Entry] = []
        vectors = []
        for store, (start, stop) in zip(self.stores, pairwise(self._edges), strict=True):
            if len(own := places[(places >= start) & (places < stop)]):
                found, rows = store.read_rows(own - start)
                entries += found
                vectors.append(rows)
        return entries, np.concatenate(vectors)

    @cached_property
    def _edges(self) -> list[int]:
        """Position of the first entry of each store among the entries of all, then their number."""
        return [0, *accumulate(store.rows for store in self.stores)]

    @cached_property
    def _kept_positions(self) -> SparseRange:
        missing: Ids = np.load(self.left_out)
        return SparseRange.from_missing(0, missing)


def make_store_union_source(
    stores: Sequence[StoreEntrySource], folder: Path, report: ProgressCallback = ignore_progress
) -> StoreUnionSource:
    """Return a source of the entries of all `stores`; of those with equal texts only the first.

    The positions of the others are saved in `folder` for other processes and later calls.

    Raises:
        UsageError: A store is named twice.
        EmbedderMismatchError: The stores have different embedders.
        StoreError: There are no entries.
    """
    _check_stores_can_be_joined(stores)
    total = sum(store.rows for store in stores)
    fingerprint = ", ".join(f"{store.path}: {store.fingerprint}" for store in stores)
    left_out = (
        folder / f"repeated-{blake2b(os.fsencode(fingerprint), digest_size=8).hexdigest()}.npy"
    )
    if not left_out.exists():
        _write_places(
            left_out,
            fingerprints.find_repeated_places(
                _compute_text_fingerprints(
                    stores, ProgressMeter(report, "read", total).report_units_done
                )
            ),
        )
    missing = np.load(left_out, mmap_mode="r")
    return StoreUnionSource(tuple(stores), left_out, total - len(missing), fingerprint)


def _check_stores_can_be_joined(stores: Sequence[StoreEntrySource]) -> None:
    """Check that the stores are different files, have one embedder, and have entries.

    Raises:
        UsageError: A store is named twice.
        EmbedderMismatchError: The stores have different embedders.
        StoreError: There are no entries.
    """
    for place, store in enumerate(stores):
        for other in stores[:place]:
            if store.path.samefile(other.path):
                raise UsageError(f"{store.path} is named twice.", "Name each store once.")
        if store.embedder != stores[0].embedder:
            raise EmbedderMismatchError(
                f"{store.path} was made with {store.embedder}, and {stores[0].path} with "
                f"{stores[0].embedder}.",
                "Export one of them, and build it again with the other's embedder.",
            )
    if not sum(store.rows for store in stores):
        raise StoreError("These stores have no entries.", "Name one that has some.")


def _compute_text_fingerprints(
    stores: Sequence[StoreEntrySource], on_done: DoneCallback
) -> fingerprints.Fingerprints:
    """Return the fingerprints of the texts of all entries, store by store, in one array."""
    found: list[fingerprints.Fingerprints] = []
    for store in stores:
        before = sum(map(len, found))

        def on_store_done(done: int, before: int = before) -> None:
            on_done(before + done)

        found.append(
            fingerprints.compute_fingerprints_in_id_order(
                store, fingerprints.encode_entry_texts, on_store_done
            )
        )
    return np.concatenate(found)


def _write_places(path: Path, places: Ids) -> None:
    make_or_reuse_work_folder(path.parent)
    with write_atomically(path) as file:
        np.save(file, places)

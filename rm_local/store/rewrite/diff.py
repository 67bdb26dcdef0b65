"""Finds the entries that only one of two stores has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rm_local.arrays import Ids
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.records import Entry
from rm_local.store.rewrite.fingerprints import (
    compute_fingerprints_in_id_order,
    distinguish_repeated,
    encode_entry_without_id,
    find_missing_places,
)
from rm_local.store.rewrite.store_source import StoreEntrySource


@dataclass(frozen=True)
class DiffSide:
    """One of two compared stores: its entries, and those of them that the other store lacks."""

    path: Path
    entries: int
    only: int
    """Number of this store's entries that the other lacks; of repeated ones the surplus counts."""
    examples: tuple[Entry, ...]
    """The first of the entries that the other store lacks, in order of id."""


@dataclass(frozen=True)
class StoreDiff:
    """Difference of two stores: the entries, by texts and metadata, that only one of them has."""

    one: DiffSide
    other: DiffSide

    @property
    def entries_in_both(self) -> int:
        """Number of entries that both compared stores have."""
        return self.one.entries - self.one.only

    @property
    def is_equal(self) -> bool:
        """Whether both stores have the same entries, each as many times, in any order."""
        return not self.one.only + self.other.only


def diff_stores(
    one: StoreEntrySource,
    other: StoreEntrySource,
    examples: int,
    report: ProgressCallback = ignore_progress,
) -> StoreDiff:
    """Find the entries, by texts and metadata, that only one of two stores has.

    The result has up to `examples` of them for each store. `report` gets the number of read rows of
    both stores. It takes 32 bytes of memory per entry.
    """
    meter = ProgressMeter(report, "read", one.rows + other.rows)
    found = distinguish_repeated(
        compute_fingerprints_in_id_order(one, encode_entry_without_id, meter.report_units_done)
    )
    others = distinguish_repeated(
        compute_fingerprints_in_id_order(
            other, encode_entry_without_id, lambda done: meter.report_units_done(one.rows + done)
        )
    )
    return StoreDiff(
        _make_diff_side(one, find_missing_places(found, others), examples),
        _make_diff_side(other, find_missing_places(others, found), examples),
    )


def _make_diff_side(held: StoreEntrySource, only: Ids, examples: int) -> DiffSide:
    """Describe the store `held`; `only` are the positions of entries that the other store lacks."""
    shown, _ = held.read_rows(only[:examples])
    return DiffSide(held.path, held.rows, len(only), tuple(shown))

"""Compares the entries of two stores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rm_local.arrays import Ids
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.records import Entry
from rm_local.store.rewrite.fingerprints import (
    compute_fingerprints,
    distinguish_repeated,
    encode_entry,
    find_missing_places,
)
from rm_local.store.rewrite.store_source import StoreSource


@dataclass(frozen=True)
class DiffSide:
    """One of two compared stores."""

    path: Path
    entries: int
    only: int
    """Number of entries missing in the other store, or there fewer times."""
    examples: tuple[Entry, ...]
    """The first missing entries, in order of id."""


@dataclass(frozen=True)
class StoreDiff:
    """The difference of two stores: their entries, without ids and vectors, are compared."""

    one: DiffSide
    other: DiffSide

    @property
    def both(self) -> int:
        """Number of entries in both stores."""
        return self.one.entries - self.one.only

    @property
    def equal(self) -> bool:
        """Whether the two stores have the same entries."""
        return not self.one.only + self.other.only


def diff_stores(
    one: StoreSource, other: StoreSource, examples: int, report: ProgressCallback = ignore_progress
) -> StoreDiff:
    """Compare texts and labels of all entries, with 32 bytes of memory per entry.

    Progress counts the read rows of both stores.
    """
    meter = ProgressMeter(report, "read", one.rows + other.rows)
    found = distinguish_repeated(compute_fingerprints(one, encode_entry, meter.reach))
    others = distinguish_repeated(
        compute_fingerprints(other, encode_entry, lambda done: meter.reach(one.rows + done))
    )
    return StoreDiff(
        _make_side(one, find_missing_places(found, others), examples),
        _make_side(other, find_missing_places(others, found), examples),
    )


def _make_side(held: StoreSource, only: Ids, examples: int) -> DiffSide:
    shown, _ = held.read_rows(only[:examples])
    return DiffSide(held.path, held.rows, len(only), tuple(shown))

"""A range of ids with gaps, addressable by position without a list of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Ids


@dataclass(frozen=True, eq=False)
class SparseRange:
    """The ids from `first` on, except some. Takes memory only for the missing ones."""

    first: int
    before: Ids
    """For each missing id, ascending: the number of present ids before it."""

    @classmethod
    def from_missing(cls, first: int, missing: Ids) -> SparseRange:
        """Make the range without `missing`, which are ascending and not below `first`."""
        return cls(first, missing - first - np.arange(len(missing), dtype=np.int64))

    def map_places(self, places: Ids) -> Ids:
        """Map places, counted from 0, to ids."""
        return self.first + places + np.searchsorted(self.before, places, side="right")

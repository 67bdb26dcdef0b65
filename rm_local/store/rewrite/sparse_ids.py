"""A range of ids with gaps, addressable by position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Ids


@dataclass(frozen=True, eq=False)
class SparseRange:
    """The ids from `first` on except the missing ones. Only these take memory."""

    first: int
    before: Ids
    """The number of present ids before each missing id, ascending."""

    @classmethod
    def from_missing(cls, first: int, missing: Ids) -> SparseRange:
        """Make the range without the ids `missing`, ascending and not below `first`."""
        return cls(first, missing - first - np.arange(len(missing), dtype=np.int64))

    def map_places(self, places: Ids) -> Ids:
        """Map places, counted from 0, to ids."""
        return self.first + places + np.searchsorted(self.before, places, side="right")

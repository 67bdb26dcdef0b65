"""Numbers in a row of which some are left out, found by place without a list of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Ids


@dataclass(frozen=True, eq=False)
class SparseRange:
    """The numbers from `first` on, but for some. Takes room for those left out only."""

    first: int
    before: Ids
    """For each number left out, ascending: how many that are not lie before it."""

    @classmethod
    def from_missing(cls, first: int, missing: Ids) -> SparseRange:
        """All from `first` on but `missing`, which ascend and are none below `first`."""
        return cls(first, missing - first - np.arange(len(missing), dtype=np.int64))

    def map_places(self, places: Ids) -> Ids:
        """The numbers at these places, counted from 0."""
        return self.first + places + np.searchsorted(self.before, places, side="right")

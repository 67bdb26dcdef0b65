"""An ascending range of ids with gaps, in which the id at a position is found quickly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Ids


@dataclass(frozen=True, eq=False)
class SparseRange:
    """All ids from `first` on, except missing ones. Only missing ids take memory."""

    first: int
    before: Ids
    """Number of present ids below each missing id: an ascending array."""

    @classmethod
    def from_missing(cls, first: int, missing: Ids) -> SparseRange:
        """Make the range of ids from `first` on, without the ascending ids `missing`."""
        return cls(first, missing - first - np.arange(len(missing), dtype=np.int64))

    def find_ids_at(self, places: Ids) -> Ids:
        """Return the ids at the positions `places` among the present ids, counted from 0."""
        return self.first + places + np.searchsorted(self.before, places, side="right")

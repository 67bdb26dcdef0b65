"""The spread of a store: the similarities of its best hits for unrelated sentences.

A cosine of 0.3 means much in one store and little in another. The similarities that probe sentences
reach in a store give the scale for the similarity of a question.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Protocol, Self

import numpy as np

from rm_local.arrays import Floats
from rm_local.records import Hit
from rm_local.store.request import SearchRequest


class Searchable(Protocol):
    """The methods of `Store` needed for a measurement of the spread."""

    def search(self, request: SearchRequest) -> list[Hit]:
        """Return the hits for the request."""

    def count_entries(self) -> int:
        """Return the number of entries."""


_NORMAL = 1.4826
"""Standard deviations of a normal distribution in one median absolute deviation."""
_LEAST_WIDTH = 0.01
"""Minimum width: in a store of a few entries all probes can have the same similarity."""
_TOLERATED_GROWTH = 0.1
"""Share of added or deleted entries above which the spread is measured again."""


@dataclass(frozen=True, slots=True)
class StoreSpread:
    """Distribution of the best hit's similarity for sentences unrelated to the entries."""

    middle: float
    """The median."""
    width: float
    """The standard deviation, estimated from the median absolute deviation."""
    entries: int
    """Number of entries in the store at the measurement."""

    def is_current(self, entries: int) -> bool:
        """Return whether the spread is still valid for a store with now `entries` entries."""
        return abs(entries - self.entries) <= _TOLERATED_GROWTH * self.entries

    def as_json(self) -> str:
        """Return the spread as JSON for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """Parse the JSON of a spread; None if it is invalid."""
        try:
            fields = json.loads(text)
            found = cls(float(fields["middle"]), float(fields["width"]), int(fields["entries"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None
        usable = isfinite(found.middle) and isfinite(found.width) and found.width > 0
        return found if usable else None


def measure_spread(store: Searchable, probes: Floats) -> StoreSpread:
    """Measure the spread of `store` with probe sentences, embedded by the store's embedder.

    In an empty store every similarity is 0.

    Raises:
        StoreError: The store cannot be searched.
    """
    best = []
    for vector in probes:
        hits = store.search(SearchRequest(vector, k=1))
        best.append(hits[0].similarity if hits else 0.0)
    return summarize_spread(np.array(best), store.count_entries())


def summarize_spread(best: Floats, entries: int) -> StoreSpread:
    """Compute the spread from the best similarity of each probe sentence."""
    middle = float(np.median(best))
    width = _NORMAL * float(np.median(np.abs(best - middle)))
    return StoreSpread(middle, max(width, _LEAST_WIDTH), entries)

"""How near a store comes to sentences that it has nothing for.

A cosine of 0.3 means much in one store and little in another. What probe sentences reach in a store
is the scale by which the similarity of a question is read.
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
    """The part of `Store` that is measured."""

    def search(self, request: SearchRequest) -> list[Hit]:
        """The entries that the request asks for."""

    def count_entries(self) -> int:
        """How many entries there are."""


_NORMAL = 1.4826
"""Standard deviations of a normal distribution in one median absolute deviation."""
_LEAST_WIDTH = 0.01
"""A store of a few entries can answer all probes alike; no width is taken for less."""
_TOLERATED_GROWTH = 0.1
"""Share of the entries that may come or go before the spread is measured again."""


@dataclass(frozen=True, slots=True)
class StoreSpread:
    """The similarity of the best hit, over sentences that have no entry in the store."""

    middle: float
    """Their median."""
    width: float
    """Their standard deviation, from the median absolute deviation: outliers weigh nothing."""
    entries: int
    """How many entries the store held when it was measured."""

    def is_current(self, entries: int) -> bool:
        """Whether it still describes the store, which holds so many entries now."""
        return abs(entries - self.entries) <= _TOLERATED_GROWTH * self.entries

    def as_json(self) -> str:
        """As `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """The spread that this text holds; None where it holds none."""
        try:
            fields = json.loads(text)
            found = cls(float(fields["middle"]), float(fields["width"]), int(fields["entries"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None
        usable = isfinite(found.middle) and isfinite(found.width) and found.width > 0
        return found if usable else None


def measure_spread(store: Searchable, probes: Floats) -> StoreSpread:
    """The spread of `store` over probe sentences, (n, d), embedded by its own embedder.

    To an empty store every similarity is 0. Raises StoreError.
    """
    best = []
    for vector in probes:
        hits = store.search(SearchRequest(vector, k=1))
        best.append(hits[0].similarity if hits else 0.0)
    return summarize_spread(np.array(best), store.count_entries())


def summarize_spread(best: Floats, entries: int) -> StoreSpread:
    """The spread where probe sentences have these best similarities, (n,), among `entries`."""
    middle = float(np.median(best))
    width = _NORMAL * float(np.median(np.abs(best - middle)))
    return StoreSpread(middle, max(width, _LEAST_WIDTH), entries)

"""The spread of a store: median and deviation of its best hits' cosines for unrelated sentences.

A cosine of 0.3 means much in one store and little in another. The cosines that unrelated sentences
(probes) reach in a store are the scale for judging the cosine of a question.
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
    """The part of `Store` that the measurement uses: searching and counting entries."""

    def search(self, request: SearchRequest) -> list[Hit]:
        """Return the entries found for the request, best first."""

    def count_entries(self) -> int:
        """Return the number of entries in the store."""


_NORMAL = 1.4826
"""Standard deviation divided by median absolute deviation, in a normal distribution."""
_LEAST_WIDTH = 0.01
"""Minimum of `UnrelatedSimilaritySpread.width`: all probes can have one cosine in a small store."""
_TOLERATED_GROWTH = 0.1
"""Change of a store's number of entries, as a share of the number at the measurement, above which
its spread is measured again."""


@dataclass(frozen=True, slots=True)
class UnrelatedSimilaritySpread:
    """Median and deviation of the best hit's cosine for sentences unrelated to a store's entries.

    The question gate measures the similarity of a question on this scale.
    """

    middle: float
    """Median of the cosines, one for each unrelated sentence, with its best hit."""
    width: float
    """Standard deviation of these cosines, estimated from their median absolute deviation."""
    entries: int
    """Number of entries in the store when the spread was measured."""

    def is_current(self, entries: int) -> bool:
        """Return whether the spread is still valid for the store, which now has `entries` entries.

        It is if their number has changed by at most a tenth since the measurement.
        """
        return abs(entries - self.entries) <= _TOLERATED_GROWTH * self.entries

    def as_json(self) -> str:
        """Return the spread as the text of a JSON object, which `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """Parse a spread from the JSON of `as_json`; None if the text or a value is invalid."""
        try:
            fields = json.loads(text)
            found = cls(float(fields["middle"]), float(fields["width"]), int(fields["entries"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None
        usable = isfinite(found.middle) and isfinite(found.width) and found.width > 0
        return found if usable else None


def measure_unrelated_similarity_spread(
    store: Searchable, probes: Floats
) -> UnrelatedSimilaritySpread:
    """Search `store` with unrelated sentences; return median and deviation of their best cosines.

    `probes` is an array (n, d): the sentences' vectors by the store's embedder. In an empty store
    every cosine counts as 0.

    Raises:
        StoreError: The store cannot be searched.
    """
    best = []
    for vector in probes:
        hits = store.search(SearchRequest(vector, k=1))
        best.append(hits[0].similarity if hits else 0.0)
    return summarize_unrelated_similarities(np.array(best), store.count_entries())


def summarize_unrelated_similarities(best: Floats, entries: int) -> UnrelatedSimilaritySpread:
    """Return the spread of a store of `entries` entries.

    `best` is an array (n,): the cosine of each unrelated sentence with its best hit.
    """
    middle = float(np.median(best))
    width = _NORMAL * float(np.median(np.abs(best - middle)))
    return UnrelatedSimilaritySpread(middle, max(width, _LEAST_WIDTH), entries)

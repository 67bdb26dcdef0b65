"""Parameters of a search. Imports no numpy, so that commands can make a filter quickly."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.arrays import Floats


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Required labels of entries, matched exactly; None accepts any."""

    domain: str | None = None
    source: str | None = None
    level: str | None = None

    def __bool__(self) -> bool:
        """Return whether the filter excludes anything."""
        return not (self.domain is None and self.source is None and self.level is None)


ANY_ENTRY = EntryFilter()


@dataclass(frozen=True, slots=True, eq=False)
class SearchRequest:
    """Parameters of one search. By default the `k` best entries are returned at any distance."""

    vector: Floats
    """The embedded subproblem: a vector of any length except 0."""
    text: str = ""
    """The subproblem, for the search by its rare words; empty = search by vector only."""
    k: int = 10
    """Maximum number of returned entries."""
    filter: EntryFilter = ANY_ENTRY
    breadth: float = 1.0
    """Factor on the numbers of scanned clusters and ranked entries: above 1 slower, more recall."""
    min_similarity: float = -1.0
    """The gate: an entry with a lower cosine is dropped, unless it reaches `min_lexical`."""
    min_lexical: float = inf
    """Minimum share of the text's rare words with which an entry passes the gate at any cosine."""
    max_score_gap: float = inf
    """Maximum difference from the best score; entries with lower scores are dropped."""
    diversity: float | None = None
    """Lambda of maximal marginal relevance, which chooses `k` entries that do not repeat one
    another; 1 weighs the score only. None: the `k` best are returned."""
    pool: int = 0
    """Number of best entries before gate, gap and diversity are applied; at least `k`."""

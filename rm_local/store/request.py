"""Parameters of a search. Imports no numpy, so that commands can build a filter cheaply."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.arrays import Floats


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Labels that entries must match exactly; None accepts any."""

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
    """(d,), of any length except 0: the embedded subproblem."""
    text: str = ""
    """The subproblem, whose rare words are searched for; empty: search by vector only."""
    k: int = 10
    """Maximum number of entries returned."""
    filter: EntryFilter = ANY_ENTRY
    breadth: float = 1.0
    """Trades time for recall: 2 scans twice as many clusters, and ranks twice as many entries, as
    the store's own setting; 0.5 half as many."""
    min_similarity: float = -1.0
    """The gate: entries with a lower cosine are dropped, unless they reach `min_lexical`."""
    min_lexical: float = inf
    """Share of the text's rare words that lets an entry pass the gate at any cosine."""
    max_score_gap: float = inf
    """Entries whose score is further below the best score are dropped."""
    diversity: float | None = None
    """Lambda of maximal marginal relevance, which chooses `k` entries that do not repeat one
    another; 1 weighs the score only. None: the `k` best are returned."""
    pool: int = 0
    """Number of best entries to which gate, gap and diversity are applied; at least `k`."""

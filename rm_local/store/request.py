"""What a search asks of a store. Imports no numpy, so that faces can name a filter cheaply."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.arrays import Floats


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Labels that entries must have exactly; None accepts any."""

    domain: str | None = None
    source: str | None = None
    level: str | None = None

    def __bool__(self) -> bool:
        """Whether it excludes anything."""
        return not (self.domain is None and self.source is None and self.level is None)


ANY_ENTRY = EntryFilter()


@dataclass(frozen=True, slots=True, eq=False)
class SearchRequest:
    """One search. As it stands, the `k` best entries are returned, however far away they are."""

    vector: Floats
    """(d,), of any length but 0: the embedded subproblem."""
    text: str = ""
    """The subproblem, searched for its rare words; empty: by vector alone."""
    k: int = 10
    """Entries returned at most."""
    filter: EntryFilter = ANY_ENTRY
    breadth: float = 1.0
    """Trades time for recall: 2 scans twice as many clusters, and ranks twice as many entries, as
    the store's own setting; 0.5 half as many."""
    min_similarity: float = -1.0
    """The gate: entries with a lower cosine are left out, unless `min_lexical` lets them pass."""
    min_lexical: float = inf
    """Share of the text's rare words with which an entry passes the gate at any cosine."""
    max_score_gap: float = inf
    """Entries whose score is further below the best one's are left out."""
    diversity: float | None = None
    """Lambda of maximal marginal relevance, by which `k` entries are chosen so that they do not
    repeat one another: 1 weighs the score alone. None: the `k` best are returned."""
    pool: int = 0
    """Entries, best first, that are considered before gate, gap and diversity; at least `k`."""

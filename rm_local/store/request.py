"""Parameters of a search. Importing this module is quick: it does not import numpy."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from rm_local.text import replace_lone_surrogates

if TYPE_CHECKING:
    from rm_local.arrays import Floats


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Filter of entries: domain, source and level have to be equal to these; None accepts any."""

    domain: str | None = None
    source: str | None = None
    level: str | None = None

    def __post_init__(self) -> None:
        """Replace bytes that are not UTF-8, as Python keeps them in arguments."""
        for name in ("domain", "source", "level"):
            if value := getattr(self, name):
                object.__setattr__(self, name, replace_lone_surrogates(value))

    def __bool__(self) -> bool:
        """Return whether the filter excludes anything."""
        return not (self.domain is None and self.source is None and self.level is None)


ANY_ENTRY = EntryFilter()


@dataclass(frozen=True, slots=True, eq=False)
class SearchRequest:
    """Parameters of one search in a store. By default it returns the `k` best entries, however
    distant."""

    vector: Floats
    """The embedded subproblem: an array (d,) with a norm other than 0."""
    text: str = ""
    """The subproblem as text, for the search by its rare words; empty: search by vector only."""
    k: int = 10
    """Maximum number of returned entries."""
    filter: EntryFilter = ANY_ENTRY
    breadth: float = 1.0
    """Factor on the store's numbers of scanned clusters and of ranked entries: above 1 the search
    is slower and finds more of the true nearest entries."""
    min_similarity: float = -1.0
    """Minimum cosine of a returned entry with `vector`, unless the entry reaches `min_lexical`."""
    min_lexical: float = inf
    """Share of the text's rare words, 0 to 1, with which an entry is returned at any cosine."""
    max_score_gap: float = inf
    """Maximum difference of an entry's score from the best score; others are not returned."""
    diversity: float | None = None
    """Lambda of maximal marginal relevance, which chooses `k` entries that do not repeat one
    another; 1 weighs the score only. None: the `k` best are returned."""
    pool: int = 0
    """Number of best entries among which the thresholds and `diversity` choose; at least `k`."""

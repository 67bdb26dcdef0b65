"""Entries of files into a store that exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from rm_local.arrays import Floats
from rm_local.progress import DoneCallback
from rm_local.records import Entry
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store

BATCH_ROWS = 4096
"""Entries in a transaction."""

SAME = 0.999
"""Cosine of a vector with its own code, at least: their difference is 0.02 of its length."""

FIRST_HITS, MORE, MOST_HITS = 2, 4, 2048
BREADTH = 0.1
"""Of each search: an entry with the same subproblem lies at the same place, so in one of the
nearest clusters; more breadth finds no more."""


@dataclass
class ImportResult:
    """What came of an import so far."""

    added: int = 0
    there: int = 0
    """Entries that the store held already, word for word."""


def import_entries(
    store: Store,
    entries: Iterable[Entry],
    embed: Callable[[int, Sequence[Entry]], Floats],
    taken: ImportResult,
    tell: DoneCallback = lambda _: None,
) -> None:
    """Add those of `entries` that the store does not hold, BATCH_ROWS in a transaction.

    `embed` gives the vectors, (n, d), of these entries, the first of which is the one at that
    place, from 0. After each transaction `taken` counts what is in the store for good, and `tell`
    is told how many entries are done. Raises what `Store.add_entries` raises.
    """
    place = 0
    for batch in _batches(entries):
        vectors = embed(place, batch)
        new = _new(store, batch, vectors)
        if new:
            store.add_entries([batch[each] for each in new], vectors[np.array(new)])
        taken.added += len(new)
        taken.there += len(batch) - len(new)
        place += len(batch)
        tell(place)


def holds(store: Store, entry: Entry, vector: Floats) -> bool:
    """Whether the store has an entry with these two texts, `vector` being its subproblem's.

    The nearest entries are looked through, more and more of them, as long as all could have the
    same subproblem. Among more than MOST_HITS of them it may be missed.
    """
    wanted = FIRST_HITS
    while True:
        hits = store.search(SearchRequest(vector, k=wanted, breadth=BREADTH))
        if any(_texts(hit.entry) == _texts(entry) for hit in hits):
            return True
        if len(hits) < wanted or hits[-1].similarity < SAME or wanted >= MOST_HITS:
            return False
        wanted *= MORE


def _new(store: Store, batch: Sequence[Entry], vectors: Floats) -> list[int]:
    """Places of those that neither the store nor an earlier place holds."""
    first = {_texts(entry): place for place, entry in reversed(list(enumerate(batch)))}
    return [
        place
        for place, entry in enumerate(batch)
        if first[_texts(entry)] == place and not holds(store, entry, vectors[place])
    ]


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    left = iter(entries)
    while batch := list(islice(left, BATCH_ROWS)):
        yield batch


def _texts(entry: Entry) -> tuple[str, str]:
    return entry.subproblem, entry.subroutine

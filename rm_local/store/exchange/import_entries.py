"""Adds entries to an existing store, except those that it already contains."""

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
"""Maximum number of entries added in one transaction."""

MIN_CODE_COSINE = 0.999
"""Minimum cosine of a vector with its own ranking code, which differs by 0.02 of its length. An
entry below it has another subproblem."""

FIRST_HITS, HITS_FACTOR, MAX_HITS = 2, 4, 2048
BREADTH = 0.1
"""Breadth of a search for an equal entry: small, because an entry with the same subproblem has the
same vector, so it is in one of the nearest clusters."""


@dataclass
class ImportCounts:
    """Numbers of added entries, and of those not added because the store had them, so far."""

    added: int = 0
    there: int = 0
    """Number of entries with both texts equal to those of a stored or earlier entry."""


def import_new_entries(
    store: Store,
    entries: Iterable[Entry],
    embed: Callable[[int, Sequence[Entry]], Floats],
    taken: ImportCounts,
    on_done: DoneCallback = lambda _: None,
) -> None:
    """Add those of `entries` that the store does not contain, BATCH_ROWS per transaction.

    `embed(place, batch)` returns an array (n, d) of the vectors of the subproblems in `batch`, some
    of `entries`; `place` is the position of the first, counted from 0. After each transaction
    `taken` is updated, and `on_done` gets the number of processed entries.

    Raises:
        StoreError, ValueError: As for `Store.add_entries`.
    """
    place = 0
    for batch in _split_batches(entries):
        vectors = embed(place, batch)
        new = _find_positions_of_new_entries(store, batch, vectors)
        if new:
            store.add_entries([batch[each] for each in new], vectors[np.array(new)])
        taken.added += len(new)
        taken.there += len(batch) - len(new)
        place += len(batch)
        on_done(place)


def has_entry_with_same_texts(store: Store, entry: Entry, vector: Floats) -> bool:
    """Return whether the store has an entry with the same subproblem and subroutine as `entry`.

    `vector` is the vector of the subproblem. The nearest entries are compared, and more of them
    while all could have the same subproblem. Among more than MAX_HITS such entries the wanted one
    may be missed.
    """
    wanted = FIRST_HITS
    while True:
        hits = store.search(SearchRequest(vector, k=wanted, breadth=BREADTH))
        if any(_get_texts(hit.entry) == _get_texts(entry) for hit in hits):
            return True
        if len(hits) < wanted or hits[-1].similarity < MIN_CODE_COSINE or wanted >= MAX_HITS:
            return False
        wanted *= HITS_FACTOR


def _find_positions_of_new_entries(
    store: Store, batch: Sequence[Entry], vectors: Floats
) -> list[int]:
    """Return the positions of entries that are neither in the store nor earlier in `batch`.

    Entries are equal if both texts are. `vectors` is an array (n, d) of the subproblems' vectors.
    """
    first = {_get_texts(entry): place for place, entry in reversed(list(enumerate(batch)))}
    return [
        place
        for place, entry in enumerate(batch)
        if first[_get_texts(entry)] == place
        and not has_entry_with_same_texts(store, entry, vectors[place])
    ]


def _split_batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield lists of BATCH_ROWS consecutive entries; the last may be shorter."""
    left = iter(entries)
    while batch := list(islice(left, BATCH_ROWS)):
        yield batch


def _get_texts(entry: Entry) -> tuple[str, str]:
    return entry.subproblem, entry.subroutine

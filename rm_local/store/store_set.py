"""Several open stores of one embedder, searched as one."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from math import inf
from pathlib import Path
from typing import TypeVar

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.errors import EmbedderMismatchError, StoreError
from rm_local.records import Entry, Hit
from rm_local.store.index.search import ScoredEntryId
from rm_local.store.index.select_hits import CandidateScores, select_hit_positions
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store

T = TypeVar("T")
SkipCallback = Callable[[StoreError], None]
"""Gets the error of a store that is left out."""
TWIN_COSINE = 0.98
"""Minimum cosine of the vectors of two entries whose texts are compared. Equal subproblems have a
cosine of 1, less what rounding to eight bits costs."""

COMPARED_ROWS = 256
"""Number of candidates that are compared with all others at once: some megabytes for thousands."""


class StoreSet:
    """Open stores of one embedder that are searched as one; with one store, the store itself.

    A hit names its store if there are several. An error of a store is raised, unless `skip` is
    given and another store answers: then `skip` gets the error, and the store is left out of the
    call. A set can be used from any thread, like its stores.
    """

    def __init__(
        self, stores: Sequence[Store], names: Sequence[str] = (), skip: SkipCallback | None = None
    ) -> None:
        self.stores = tuple(stores)
        self.names = tuple(names) if len(self.stores) > 1 else ("",)
        self._skip = skip

    @classmethod
    def open(
        cls, files: Sequence[Path], names: Sequence[str], skip: SkipCallback | None = None
    ) -> StoreSet:
        """Open the stores `files`, called `names`, for reading.

        With `skip` a store that cannot be opened, or has another embedder than the first, is left
        out, as long as one can be opened.

        Raises:
            StoreError: As for `Store.open`.
            EmbedderMismatchError: Two stores have different embedders.
        """
        opened: list[Store] = []
        kept: list[str] = []
        failures: list[StoreError] = []
        try:
            for path, name in zip(files, names, strict=True):
                try:
                    opened.append(_open_store_with_same_embedder(path, opened))
                    kept.append(name)
                except StoreError as error:
                    if skip is None:
                        raise
                    failures.append(error)
            if not opened:
                raise failures[0]
        except BaseException:
            for store in opened:
                store.close()
            raise
        if skip:
            for failure in failures:
                skip(failure)
        return cls(opened, kept, skip)

    def search(self, request: SearchRequest) -> list[Hit]:
        """Return the entries that `request` asks for, best score first, as `Store.search` does.

        Equal scores are ordered by store, then by id. Of entries with the same subproblem and
        subroutine in several stores only the first is returned.
        """
        if len(self.stores) == 1:
            return self.stores[0].search(request)
        pool = max(request.pool, request.k)
        wide = replace(request, k=pool, pool=0, diversity=None, max_score_gap=inf)
        with ExitStack() as transactions:

            def rank_in_transaction(store: Store) -> list[ScoredEntryId]:
                # Until the texts are read no entry disappears.
                transactions.enter_context(store.borrow_connection())
                return store.rank_entries(wide)

            ranked = self.ask_each_skipping_failed(rank_in_transaction)
            found = [_Candidate(place, each) for place, part in ranked for each in part]
            found, vectors = self._read_vectors(found)
            kept = self._find_positions_without_repeated_texts(found, vectors)
            found, vectors = [found[place] for place in kept], vectors[kept]
            scores = CandidateScores(
                np.arange(len(found)),
                np.array([each.ranked.similarity for each in found]),
                np.array([each.ranked.lexical for each in found]),
            )
            chosen = select_hit_positions(request, scores, lambda places: vectors[places])
            texts = self._read_texts([found[place] for place in chosen])
            return [
                self.stores[each.place].build_hit(each.ranked, texts[each], self.names[each.place])
                for each in (found[place] for place in chosen)
                if each in texts
            ]

    def sample_hits(self, k: int, seed: int) -> list[Hit]:
        """Return `k` distinct random entries of all stores, or all if there are fewer, as hits.

        Their similarity is 0. The same `seed` draws the same entries.
        """
        if len(self.stores) == 1:
            return [Hit(entry, 0.0) for entry in self.stores[0].sample_entries(k, seed)]
        sizes = dict(self.ask_each_skipping_failed(Store.count_entries))
        places, ends = list(sizes), list(accumulate(sizes.values()))
        rows = random.Random(seed).sample(range(ends[-1]), min(k, ends[-1]))
        drawn = Counter(places[bisect_right(ends, row)] for row in rows)
        return [
            Hit(entry, 0.0, store=self.names[place])
            for place, count in drawn.items()
            for entry in self.stores[place].sample_entries(count, seed)
        ]

    def count_entries(self) -> int:
        """Return the number of entries of all stores together."""
        return sum(count for _, count in self.ask_each_skipping_failed(Store.count_entries))

    def ask_each_skipping_failed(
        self, ask: Callable[[Store], T], places: Iterable[int] | None = None
    ) -> list[tuple[int, T]]:
        """Call `ask` with each store, or those at `places`; return the results with the places.

        Raises:
            StoreError: A store failed, and no other one answered, or the set has no `skip`.
        """
        results: list[tuple[int, T]] = []
        failures: list[StoreError] = []
        for place in range(len(self.stores)) if places is None else places:
            try:
                results.append((place, ask(self.stores[place])))
            except StoreError as error:
                failures.append(self.report_or_raise_store_error(error))
        if failures and not results:
            raise failures[0]
        return results

    def report_or_raise_store_error(self, error: StoreError) -> StoreError:
        """Report the error of a store that is left out of a call, and return it.

        Raises:
            StoreError: `error` itself: the store is the only one, or the set has no `skip`.
        """
        if self._skip is None or len(self.stores) == 1:
            raise error
        self._skip(error)
        return error

    def close(self) -> None:
        """Close all stores; closing twice is allowed."""
        with ExitStack() as closing:
            for store in self.stores:
                closing.callback(store.close)

    def _read_vectors(self, found: list[_Candidate]) -> tuple[list[_Candidate], Floats]:
        """Read the vectors of the candidates, an array (n, d); those of a failing store are left
        out."""
        parts = _group_by_store(found)
        read = self._ask_each_group(parts, lambda store, ids: store.read_vectors(ids))
        kept = [each for place, _ in read for each in parts[place]]
        empty: Floats = np.empty((0, 1), np.float32)
        return kept, np.concatenate([rows for _, rows in read]) if read else empty

    def _read_texts(self, chosen: list[_Candidate]) -> dict[_Candidate, Entry]:
        """Read the entries of the candidates; those of a failing store are left out."""
        parts = _group_by_store(chosen)
        read = self._ask_each_group(parts, lambda store, ids: store.get(ids))
        return {
            each: entry
            for place, entries in read
            for each, entry in zip(parts[place], entries, strict=True)
        }

    def _ask_each_group(
        self, parts: dict[int, list[_Candidate]], ask: Callable[[Store, list[int]], T]
    ) -> list[tuple[int, T]]:
        """Call `ask` with each store that has candidates, and their ids.

        Stores that fail are skipped as by `ask_each_skipping_failed`.
        """

        def ask_for_ids(store: Store) -> T:
            part = parts[self.stores.index(store)]
            return ask(store, [each.ranked.id for each in part])

        return self.ask_each_skipping_failed(ask_for_ids, parts)

    def _find_positions_without_repeated_texts(
        self, found: list[_Candidate], vectors: Floats
    ) -> Ids:
        """Return the positions of the candidates without those whose texts an earlier store has."""
        pairs = _find_near_pairs_across_stores(np.array([each.place for each in found]), vectors)
        entries = self._read_texts([found[place] for place in sorted({*chain(*pairs)})])
        texts = {each: (entry.subproblem, entry.subroutine) for each, entry in entries.items()}
        repeated = {
            later
            for earlier, later in pairs
            if found[later] in texts and texts[found[later]] == texts.get(found[earlier])
        }
        return np.array([place for place in range(len(found)) if place not in repeated], np.int64)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An entry that a search has found in the store at `place` of a set."""

    place: int
    ranked: ScoredEntryId


def _find_near_pairs_across_stores(stores: Ids, vectors: Floats) -> list[tuple[int, int]]:
    """Return the pairs of positions whose vectors are nearly equal, an earlier store's first.

    `stores` has the place of each candidate's store, ascending; `vectors` is an array (n, d).
    """
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(stores), COMPARED_ROWS):
        part = slice(start, start + COMPARED_ROWS)
        near = (vectors[part] @ vectors.T >= TWIN_COSINE) & (stores[part, None] > stores)
        pairs += [(int(earlier), start + int(later)) for later, earlier in np.argwhere(near)]
    return pairs


def _group_by_store(found: Iterable[_Candidate]) -> dict[int, list[_Candidate]]:
    """Group candidates by the place of their store; each group keeps their order."""
    parts: dict[int, list[_Candidate]] = {}
    for each in found:
        parts.setdefault(each.place, []).append(each)
    return parts


def _open_store_with_same_embedder(path: Path, opened: Sequence[Store]) -> Store:
    """Open a store for reading, whose embedder has to be that of the first opened one, if any.

    Raises:
        StoreError: As for `Store.open`.
        EmbedderMismatchError: It has another embedder.
    """
    store = Store.open(path)
    if opened:
        first, own = opened[0].read_info(), store.read_info()
        if own.embedder != first.embedder:
            store.close()
            raise EmbedderMismatchError(
                f"The store {path} was made with {own.embedder}, and {first.path} with "
                f"{first.embedder}: their similarities cannot be compared.",
                f"Search it alone, with --store {path}, or export its entries and build them "
                "again with the other embedder.",
            )
    return store

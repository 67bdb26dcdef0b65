"""Searches a store and adds entries to it, and measures times, memory and found entries."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rm_local.arrays import Floats
from rm_local.records import Entry
from rm_local.store import SearchRequest, Store
from rm_local.system import resident_mb

WARM_UP_SEARCHES = 50
"""Number of untimed searches at the start."""
FIRST_QUERIES = 30
"""Number of timed first searches after opening, with the file not in the page cache."""
APPENDS = 200


@dataclass(frozen=True)
class StoreTrial:
    """Found entries, times and memory of a run of searches."""

    found: list[set[str]]
    """The subproblems of the ten found entries of each query."""
    milliseconds: list[float]
    """Time of each query in the second run of all queries; with texts, without embedding."""
    memory_mb: float | None
    """Resident memory added by opening and searching; None if the system does not report it."""


def run_searches(path: Path, queries: Floats, effort: float) -> StoreTrial:
    """Search the store at `path` for all rows of `queries`. Call it in a fresh process."""
    before = resident_mb()
    with Store.open(path) as store:
        for query in queries[:WARM_UP_SEARCHES]:
            store.search(SearchRequest(query, breadth=effort))
        found = [
            {hit.entry.subproblem for hit in store.search(SearchRequest(query, breadth=effort))}
            for query in queries
        ]
        times = [
            measure_milliseconds(partial(store.search, SearchRequest(query, breadth=effort)))
            for query in queries
        ]
        after = resident_mb()
    memory = None if before is None or after is None else round(after - before, 1)
    return StoreTrial(found, times, memory)


def time_first_searches(
    path: Path, queries: Floats, effort: float
) -> tuple[list[float], list[float]]:
    """Measure how long opening the store and its first search take, with an empty page cache.

    The file is dropped from the page cache before each. Returns two lists, in milliseconds.
    """
    opened, searched = [], []
    for query in queries[:FIRST_QUERIES]:
        drop_page_cache(path)
        started = time.perf_counter()
        with Store.open(path) as store:
            store.preload_centroids()
            opened.append((time.perf_counter() - started) * 1000)
            drop_page_cache(path)
            searched.append(
                measure_milliseconds(partial(store.search, SearchRequest(query, breadth=effort)))
            )
    return opened, searched


def time_appends(path: Path, entries: Sequence[Entry], vectors: Floats) -> list[float]:
    """Measure the milliseconds of adding each entry in its own transaction; then delete all."""
    with Store.open(path, write=True) as store:
        ids: list[int] = []

        def append_entry(place: int) -> None:
            ids.extend(store.add_entries([entries[place]], vectors[place : place + 1]))

        times = [
            measure_milliseconds(partial(append_entry, place))
            for place in range(min(APPENDS, len(entries)))
        ]
        store.delete_entries(ids)
    return times


def drop_page_cache(path: Path) -> None:
    """Drop the file from the page cache, if the system supports that."""
    if hasattr(os, "posix_fadvise"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def measure_milliseconds(work: Callable[[], object]) -> float:
    """Measure the duration of `work` in milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000

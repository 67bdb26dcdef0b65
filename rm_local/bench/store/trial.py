"""Measures searches, first searches and additions of a store: times, memory, found entries."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rm_local.arrays import Floats
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.records import Entry
from rm_local.store import SearchRequest, Store
from rm_local.system import resident_mb

WARM_UP_SEARCHES = 50
"""Maximum number of untimed searches at the start."""
FIRST_QUERIES = 30
"""Maximum number of queries timed as the first search after opening, from a cold file."""
APPENDS = 200


@dataclass(frozen=True)
class SearchMeasurement:
    """Results of `measure_searches`: found entries, times and memory."""

    found: list[set[str]]
    """For each query, the subproblems of the entries found."""
    milliseconds: list[float]
    """Time of each query in a second run of all; includes reading texts, but not embedding."""
    memory_mb: float | None
    """Resident memory added by opening and searching; None if the system does not report it."""


def measure_searches(
    path: Path, queries: Floats, effort: float, on_search: Callable[[], None] = lambda: None
) -> SearchMeasurement:
    """Search the store at `path` for each row of `queries`, an array (q, d), twice.

    `effort` is the breadth of the search; `on_search` is called after each. Call it in a fresh
    process, because of the memory.
    """
    before = resident_mb()
    with Store.open(path) as store:
        for query in queries[:WARM_UP_SEARCHES]:
            store.search(SearchRequest(query, breadth=effort))
        found, times = [], []
        for query in queries:
            hits = store.search(SearchRequest(query, breadth=effort))
            found.append({hit.entry.subproblem for hit in hits})
            on_search()
        for query in queries:
            request = SearchRequest(query, breadth=effort)
            times.append(measure_milliseconds(partial(store.search, request)))
            on_search()
        after = resident_mb()
    memory = None if before is None or after is None else round(after - before, 1)
    return SearchMeasurement(found, times, memory)


def time_cold_opens_and_searches(
    path: Path, queries: Floats, effort: float, on_search: Callable[[], None] = lambda: None
) -> tuple[list[float], list[float]]:
    """Measure opening the store and its first search with the file not in the page cache.

    The file is dropped from the cache before each. Returns two lists in milliseconds, opening
    and searching, with a value for each of the first 30 queries. `on_search` is called after each.
    """
    opened, searched = [], []
    for query in queries[:FIRST_QUERIES]:
        drop_from_page_cache(path)
        started = time.perf_counter()
        with Store.open(path) as store:
            store.preload_centroids()
            opened.append((time.perf_counter() - started) * 1000)
            drop_from_page_cache(path)
            searched.append(
                measure_milliseconds(partial(store.search, SearchRequest(query, breadth=effort)))
            )
        on_search()
    return opened, searched


def time_appends_then_delete_entries(
    path: Path, entries: Sequence[Entry], vectors: Floats, report: ProgressCallback
) -> list[float]:
    """Return the milliseconds of adding each entry in its own transaction; then delete all.

    Adds the first 200 entries; row i of `vectors` is the vector of entry i.
    """
    count = min(APPENDS, len(entries))
    meter = ProgressMeter(report, "add", count)
    with Store.open(path, write=True) as store:
        ids: list[int] = []

        def append_entry(place: int) -> None:
            ids.extend(store.add_entries([entries[place]], vectors[place : place + 1]))

        times = []
        for place in range(count):
            times.append(measure_milliseconds(partial(append_entry, place)))
            meter.report_units_done(place + 1)
        store.delete_entries(ids)
    return times


def drop_from_page_cache(path: Path) -> None:
    """Remove the file's pages from the system's page cache, if the system supports that."""
    if hasattr(os, "posix_fadvise"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def measure_milliseconds(work: Callable[[], object]) -> float:
    """Call `work` and return its duration in milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000

"""Trying a store: what its searches find, how long they take, and what they hold in memory."""

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

WARMING = 50
"""Searches before any is timed."""
FIRST_QUERIES = 30
"""Searches that are each the first of an opening, with the file out of the page cache."""
APPENDS = 200


@dataclass(frozen=True)
class Trial:
    """What searches came to."""

    found: list[set[str]]
    """For each query the subproblems of the ten entries found."""
    milliseconds: list[float]
    """Of each query, asked when all had been asked before; texts included, embedding apart."""
    memory_mb: float | None
    """By which opening and searching raised the memory of the process; None where the system does
    not tell."""


def tried(path: Path, queries: Floats, effort: float) -> Trial:
    """Search the store `path` for all of `queries`, (q, d). Meant for a process of its own."""
    before = resident_mb()
    with Store.open(path) as store:
        for query in queries[:WARMING]:
            store.search(SearchRequest(query, breadth=effort))
        found = [
            {hit.entry.subproblem for hit in store.search(SearchRequest(query, breadth=effort))}
            for query in queries
        ]
        times = [
            milliseconds(partial(store.search, SearchRequest(query, breadth=effort)))
            for query in queries
        ]
        after = resident_mb()
    memory = None if before is None or after is None else round(after - before, 1)
    return Trial(found, times, memory)


def first_searches(path: Path, queries: Floats, effort: float) -> tuple[list[float], list[float]]:
    """Milliseconds of openings and of the first searches after them, the file out of the cache."""
    opened, searched = [], []
    for query in queries[:FIRST_QUERIES]:
        forget(path)
        started = time.perf_counter()
        with Store.open(path) as store:
            store.preload_centroids()
            opened.append((time.perf_counter() - started) * 1000)
            forget(path)
            searched.append(
                milliseconds(partial(store.search, SearchRequest(query, breadth=effort)))
            )
    return opened, searched


def appended(path: Path, entries: Sequence[Entry], vectors: Floats) -> list[float]:
    """Milliseconds of adding each entry, durably, in a transaction of its own; all are deleted."""
    with Store.open(path, write=True) as store:
        ids: list[int] = []

        def add(place: int) -> None:
            ids.extend(store.add_entries([entries[place]], vectors[place : place + 1]))

        times = [milliseconds(partial(add, place)) for place in range(min(APPENDS, len(entries)))]
        store.delete_entries(ids)
    return times


def forget(path: Path) -> None:
    """Take the file out of the page cache, where the system can."""
    if hasattr(os, "posix_fadvise"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000

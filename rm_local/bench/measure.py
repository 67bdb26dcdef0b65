"""Measuring a store of made-up entries: how good and how fast its search is."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from rm_local.memory.bulk.build import build
from rm_local.memory.bulk.source import Batch, Progress
from rm_local.memory.codes import Floats
from rm_local.memory.format import EmbedderId
from rm_local.memory.store import Store
from rm_local.records import Entry

DIMENSION = 384
MADE_UP = EmbedderId("made-up", DIMENSION, "0" * 64)
BATCH = 8192
QUERIES = 200
FIRST_QUERIES = 20
"""Searches that are each the first of an opening, with the file out of the page cache."""

FACTORS = 64
"""Directions in which entries of one topic differ: about the freedom that neighbours have among
embeddings of real sentences (STORE 2: their local dimension is 24; here it comes out higher)."""

SPREAD = 0.9
"""How far entries lie from their topic; the topic's own length is 1."""


@dataclass(frozen=True)
class Measured:
    """What one bench came to. Milliseconds are of `Store.search` with texts, embedding apart."""

    rows: int
    effort: float
    recall_at_10: float
    """Against exact float32 search over all rows."""
    warm_p50_ms: float
    warm_p95_ms: float
    cold_p50_ms: float
    memory_mb: float | None
    """By which opening and searching the store raised the memory of a process; None where the
    system does not tell."""
    bytes: int
    build_rows_per_s: float


@dataclass(frozen=True)
class MadeUp:
    """Entries around topics, the same for the same seed, from any row on."""

    rows: int
    seed: int

    @property
    def fingerprint(self) -> str:
        """Of all that they are made from."""
        return f"made up, seed {self.seed}, {FACTORS} factors, {SPREAD}"

    @property
    def block_rows(self) -> int:
        """Rows in a block."""
        return BATCH

    def block(self, number: int) -> Batch:
        """Rows from `number * BATCH` on."""
        ids = range(number * BATCH, min((number + 1) * BATCH, self.rows))
        return [_entry(id) for id in ids], self.vectors(number, BATCH)[: len(ids)]

    def vectors(self, number: int, count: int) -> Floats:
        """(count, DIMENSION), rows of length 1: batch `number` of them."""
        fixed = np.random.default_rng(self.seed)
        topics = max(16, self.rows // 500)
        factors = fixed.normal(size=(FACTORS, DIMENSION)).astype(np.float32) / FACTORS**0.5
        rng = np.random.default_rng((self.seed, number + 1))
        place = fixed.normal(size=(topics, FACTORS)).astype(np.float32)
        chosen = place[rng.integers(0, topics, count)]
        turned = chosen + SPREAD * rng.normal(size=(count, FACTORS)).astype(np.float32)
        rows = turned @ factors
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _entry(id: int) -> Entry:
    return Entry(f"How to do task {id}?", f"I should take the {id % 97}th way. " * 8, "made", "up")


def bench(
    folder: Path, rows: int, seed: int, effort: float, report: Callable[[str], None]
) -> Measured:
    """Build a store of `rows` entries below `folder`, search it, remove it; what came of it."""
    source = MadeUp(rows, seed)
    queries = source.vectors(-(-rows // BATCH), QUERIES)
    with tempfile.TemporaryDirectory(dir=folder, prefix="rm-local-bench-") as place:
        path = Path(place) / "made-up.rms"
        started = time.monotonic()
        build(path, source, embedder=MADE_UP, seed=seed, report=lambda p: report(_told(p)))
        seconds = time.monotonic() - started
        report("searching all rows exactly")
        exact = _exact(source, queries)
        report("searching")
        # In a process of its own, whose memory is not that of the build.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found, warm, memory = pool.submit(_searched, path, queries, effort).result()
        hits = sum(len(a & b) for a, b in zip(found, exact, strict=True))
        return Measured(
            rows=rows,
            effort=effort,
            recall_at_10=round(hits / sum(map(len, exact)), 4),
            warm_p50_ms=round(float(np.percentile(warm, 50)), 2),
            warm_p95_ms=round(float(np.percentile(warm, 95)), 2),
            cold_p50_ms=round(float(np.median(_cold(path, queries, effort))), 2),
            memory_mb=memory,
            bytes=path.stat().st_size,
            build_rows_per_s=round(rows / seconds),
        )


def _told(progress: Progress) -> str:
    left = "" if progress.seconds_left is None else f", {progress.seconds_left:,.0f} s left"
    return f"{progress.stage}: {progress.done:,} of {progress.total:,}{left}"


def _exact(source: MadeUp, queries: Floats) -> list[set[str]]:
    """For each query the subproblems of the ten rows nearest to it, by float32."""
    best = np.full((len(queries), 10), -np.inf, np.float32)
    ids = np.zeros((len(queries), 10), np.int64)
    first = 0
    for number in range(-(-source.rows // BATCH)):
        entries, vectors = source.block(number)
        scores = np.concatenate([best, queries @ vectors.T], axis=1)
        held = np.concatenate(
            [ids, np.tile(np.arange(first, first + len(entries)), (len(queries), 1))], axis=1
        )
        top = np.argpartition(-scores, 9, axis=1)[:, :10]
        best, ids = np.take_along_axis(scores, top, 1), np.take_along_axis(held, top, 1)
        first += len(entries)
    return [{_entry(id).subproblem for id in row} for row in ids.tolist()]


def _searched(
    path: Path, queries: Floats, effort: float
) -> tuple[list[set[str]], list[float], float | None]:
    """What each query finds, the milliseconds it takes once all were asked, and the MB in all."""
    before = _memory_mb()
    with Store.open(path) as store:
        found = [
            {hit.entry.subproblem for hit in store.search(query, effort=effort)}
            for query in queries
        ]
        times = [_milliseconds(partial(store.search, query, effort=effort)) for query in queries]
        after = _memory_mb()
    memory = None if before is None or after is None else round(after - before, 1)
    return found, times, memory


def _cold(path: Path, queries: Floats, effort: float) -> list[float]:
    """Milliseconds of first searches, opening included, the file out of the page cache."""

    def first(query: Floats) -> None:
        with Store.open(path) as store:
            store.search(query, effort=effort)

    times = []
    for query in queries[:FIRST_QUERIES]:
        _forget(path)
        times.append(_milliseconds(partial(first, query)))
    return times


def _forget(path: Path) -> None:
    """Take the file out of the page cache, where the system can."""
    if hasattr(os, "posix_fadvise"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _memory_mb() -> float | None:
    """Memory that the process holds now, in MB."""
    held = Path("/proc/self/statm")
    if not held.exists():
        return None
    return int(held.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

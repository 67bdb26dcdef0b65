"""Measuring a store of made-up entries: how good and how fast its search is."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.corpus.seed_vectors import open_anchors
from rm_local.bench.corpus.synthetic import SyntheticSource
from rm_local.bench.store import trial
from rm_local.bench.store.ground_truth import exact, subproblems
from rm_local.embed import MINILM, minilm_words
from rm_local.errors import UsageError
from rm_local.files import write_atomically, write_bytes_atomically
from rm_local.progress import Progress, ProgressCallback
from rm_local.store import Store, build_store, measure_pages
from rm_local.system import usable_cores

QUERIES = 200
"""Of held-out real sentences, or as many as there are, and of queries drawn like the rows."""


@dataclass(frozen=True)
class Built:
    """How a store was built."""

    rows: int
    fingerprint: str
    """Of the source."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each stage."""


@dataclass(frozen=True)
class StoreBench:
    """What one bench came to. Milliseconds are of `Store.search` with texts, embedding apart."""

    rows: int
    effort: float
    recall_at_10: float
    """Of held-out real sentences, against exact float32 search over all rows."""
    recall_at_10_alike: float
    """Of queries drawn like the rows."""
    warm_p50_ms: float
    warm_p95_ms: float
    open_p50_ms: float
    """Of opening the store, the file out of the page cache."""
    cold_p50_ms: float
    """Of the first search after that, the file out of the page cache again."""
    append_p50_ms: float
    """Of adding one entry durably."""
    memory_mb: float | None
    bytes: int
    parts: dict[str, int]
    """Bytes of each table."""
    build_rows_per_s: float
    """All stages together, the making of rows included."""
    build_seconds: dict[str, float]
    probes: int
    candidates: int


@dataclass(frozen=True)
class BenchQueries:
    """Queries of both kinds, one after the other, and the rows that are truly nearest."""

    queries: Floats
    rows: Ids
    subproblems: dict[int, str]

    def recall(self, found: list[set[str]]) -> tuple[float, float]:
        """Of the real ones, and of those like the rows."""
        shares = [
            len({self.subproblems[row] for row in rows} & held) / len(rows)
            for rows, held in zip(self.rows.tolist(), found, strict=True)
        ]
        half = len(shares) // 2
        return round(float(np.mean(shares[:half])), 4), round(float(np.mean(shares[half:])), 4)


def bench_store(
    source: SyntheticSource, path: Path, effort: float, report: ProgressCallback
) -> tuple[StoreBench, BenchQueries]:
    """Measure the store at `path`, which is built from `source` first unless it is there.

    What was measured of its build, and the exact answers, stay beside it in `path`.bench.
    UsageError: the store there was built from another source.
    """
    beside = path.with_name(path.name + ".bench")
    beside.mkdir(parents=True, exist_ok=True)
    built = _built(source, path, beside, report)
    questions = _questions(source, beside, report)
    report(Progress("searching"))
    with _process() as pool:
        tried = pool.submit(trial.tried, path, questions.queries, effort).result()
    with _process() as pool:
        first = pool.submit(trial.first_searches, path, questions.queries, effort).result()
    report(Progress("adding"))
    entries, vectors = SyntheticSource(source.rows, source.seed + 1, source.folder).block(0)
    appends = trial.appended(path, entries, vectors)
    real, alike = questions.recall(tried.found)
    with Store.open(path) as store:
        info = store.read_info()
    return (
        StoreBench(
            rows=source.rows,
            effort=effort,
            recall_at_10=real,
            recall_at_10_alike=alike,
            warm_p50_ms=_percentile(tried.milliseconds, 50),
            warm_p95_ms=_percentile(tried.milliseconds, 95),
            open_p50_ms=_percentile(first[0], 50),
            cold_p50_ms=_percentile(first[1], 50),
            append_p50_ms=_percentile(appends, 50),
            memory_mb=tried.memory_mb,
            bytes=info.size,
            parts=measure_pages(path),
            build_rows_per_s=round(source.rows / sum(built.seconds.values())),
            build_seconds=built.seconds,
            probes=info.probes,
            candidates=info.candidates,
        ),
        questions,
    )


@contextmanager
def temporary_store_folder(folder: Path) -> Iterator[Path]:
    """A path for a store below `folder` that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="rm-local-bench-") as place:
        yield Path(place) / "made-up.rms"


def _built(source: SyntheticSource, path: Path, beside: Path, report: ProgressCallback) -> Built:
    held = beside / "built.json"
    if path.exists() and held.exists():
        found = Built(**json.loads(held.read_text("utf-8")))
        if (found.rows, found.fingerprint) != (source.rows, source.fingerprint):
            raise UsageError(
                f"{path} was built from other rows: {found.rows:,} of {found.fingerprint}.",
                "Name another file, or ask for the same rows, seed and sentences.",
            )
        return found
    shutil.rmtree(beside)
    beside.mkdir()
    stages = StageTimes(report)
    known = minilm_words()
    build_store(path, source, embedder=MINILM, known_words=known, seed=source.seed, report=stages)
    built = Built(source.rows, source.fingerprint, stages.end())
    write_bytes_atomically(held, json.dumps(asdict(built)).encode())
    return built


def _questions(source: SyntheticSource, beside: Path, report: ProgressCallback) -> BenchQueries:
    held = beside / "exact.npz"
    if not held.exists():
        report(Progress("searching all rows exactly"))
        count = min(QUERIES, len(open_anchors(source.folder).queries))
        queries = np.concatenate([source.queries(kind, count) for kind in ("real", "alike")])
        rows = exact(source, queries, usable_cores())
        texts = subproblems(source, rows)
        numbers, lines = list(texts), list(texts.values())
        with write_atomically(held) as file:
            np.savez(file, queries=queries, rows=rows, numbers=numbers, texts=lines)
    with np.load(held) as found:
        texts = dict(zip(found["numbers"].tolist(), found["texts"].tolist(), strict=True))
        return BenchQueries(found["queries"], found["rows"], texts)


class StageTimes:
    """Passes a build's progress on, and keeps how long each stage took."""

    def __init__(self, report: ProgressCallback) -> None:
        self._report = report
        self._stage: str | None = None
        self._since = 0.0
        self._seconds: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        """Take a sign of progress."""
        if progress.stage != self._stage:
            self.end()
            self._stage, self._since = progress.stage, time.monotonic()
        self._report(progress)

    def end(self) -> dict[str, float]:
        """Seconds of each stage so far."""
        if self._stage is not None:
            self._seconds[self._stage] = round(time.monotonic() - self._since, 1)
        return self._seconds


def _process() -> ProcessPoolExecutor:
    """One process of its own: neither the memory nor the cache of the build is in it."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _percentile(milliseconds: list[float], share: int) -> float:
    return round(float(np.percentile(milliseconds, share)), 2)

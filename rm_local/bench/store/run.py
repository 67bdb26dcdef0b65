"""Measures recall and latency of a store of synthetic entries."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.corpus.seed_vectors import open_anchor_embeddings
from rm_local.bench.corpus.synthetic import SyntheticSource
from rm_local.bench.store import trial
from rm_local.bench.store.fresh_process import run_in_fresh_process_counting_units
from rm_local.bench.store.ground_truth import collect_subproblems, find_exact_neighbors
from rm_local.embed import MINILM, read_minilm_vocabulary_words
from rm_local.errors import UsageError
from rm_local.files import write_atomically, write_bytes_atomically
from rm_local.progress import Progress, ProgressCallback, ProgressMeter
from rm_local.store import Store, build_store, measure_bytes_by_kind
from rm_local.system import count_usable_processors

QUERIES = 200
"""Maximum number of real queries, and of synthetic queries."""


@dataclass(frozen=True)
class BuildRecord:
    """Source and build times of a benchmarked store, kept as JSON next to the store."""

    rows: int
    fingerprint: str
    """`SyntheticSource.fingerprint` of the rows."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage of the build."""


@dataclass(frozen=True)
class StoreBenchResult:
    """Results of `bench_store`. Search times include reading texts, but not embedding."""

    rows: int
    effort: float
    recall_at_10: float
    """Recall of held-out real sentences, compared with exact float32 search over all rows."""
    recall_at_10_alike: float
    """Recall of synthetic queries, made at random like the rows."""
    warm_p50_ms: float
    warm_p95_ms: float
    open_p50_ms: float
    """Time of opening the store, with the file not in the page cache."""
    cold_p50_ms: float
    """Time of the first search after opening, with the file dropped from the page cache again."""
    append_p50_ms: float
    """Time of adding one entry in a transaction of its own."""
    memory_mb: float | None
    bytes: int
    parts: dict[str, int]
    """Bytes of each part of the file."""
    build_rows_per_s: float
    """Rows per second over all stages of the build, composing the rows included."""
    build_seconds: dict[str, float]
    probes: int
    candidates: int


@dataclass(frozen=True)
class BenchQueriesWithAnswers:
    """Query vectors, first real, then as many synthetic, and the exact nearest rows of each.

    `rows` is an array (q, k) of row numbers, `subproblems` has the text of each of these rows.
    """

    queries: Floats
    rows: Ids
    subproblems: dict[int, str]

    def compute_real_and_synthetic_recalls(self, found: list[set[str]]) -> tuple[float, float]:
        """Return the mean recall of the real queries, and that of the synthetic ones.

        `found` has the subproblems that the store found for each query.
        """
        shares = [
            len({self.subproblems[row] for row in rows} & texts) / len(rows)
            for rows, texts in zip(self.rows.tolist(), found, strict=True)
        ]
        half = len(shares) // 2
        return round(float(np.mean(shares[:half])), 4), round(float(np.mean(shares[half:])), 4)


def bench_store(
    source: SyntheticSource, path: Path, effort: float, report: ProgressCallback
) -> tuple[StoreBenchResult, BenchQueriesWithAnswers]:
    """Measure the store at `path`; build it from `source` first if it does not exist.

    Also returns the queries, with their exact answers. The folder `path`.bench keeps these and
    the build times for the next call.

    Raises:
        UsageError: The store at `path` was built from another source.
    """
    bench_folder = path.with_name(path.name + ".bench")
    bench_folder.mkdir(parents=True, exist_ok=True)
    built = _build_or_reuse_store(source, path, bench_folder, report)
    questions = _load_or_compute_and_save_queries(source, bench_folder, report)
    asked = path, questions.queries, effort
    cold = min(trial.FIRST_QUERIES, len(questions.queries))
    meter = ProgressMeter(report, "search", 2 * len(questions.queries))
    tried = run_in_fresh_process_counting_units(trial.measure_searches, asked, meter)
    meter = ProgressMeter(report, "open", cold)
    first = run_in_fresh_process_counting_units(trial.time_cold_opens_and_searches, asked, meter)
    entries, vectors = SyntheticSource(source.rows, source.seed + 1, source.folder).read_block(0)
    appends = trial.time_appends_then_delete_entries(path, entries, vectors, report)
    real, alike = questions.compute_real_and_synthetic_recalls(tried.found)
    with Store.open(path) as store:
        info = store.read_info()
    return (
        StoreBenchResult(
            rows=source.rows,
            effort=effort,
            recall_at_10=real,
            recall_at_10_alike=alike,
            warm_p50_ms=_compute_percentile(tried.milliseconds, 50),
            warm_p95_ms=_compute_percentile(tried.milliseconds, 95),
            open_p50_ms=_compute_percentile(first[0], 50),
            cold_p50_ms=_compute_percentile(first[1], 50),
            append_p50_ms=_compute_percentile(appends, 50),
            memory_mb=tried.memory_mb,
            bytes=info.size,
            parts=measure_bytes_by_kind(path),
            build_rows_per_s=round(source.rows / sum(built.seconds.values())),
            build_seconds=built.seconds,
            probes=info.probes,
            candidates=info.candidates,
        ),
        questions,
    )


@contextmanager
def make_temporary_store_path(folder: Path) -> Iterator[Path]:
    """Yield a path for a store in a new folder below `folder`; remove that folder afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="rm-local-bench-") as name:
        yield Path(name) / "made-up.rms"


def _build_or_reuse_store(
    source: SyntheticSource, path: Path, bench_folder: Path, report: ProgressCallback
) -> BuildRecord:
    """Build the store unless it exists with a record of its build in `bench_folder`.

    Before a build the folder is emptied, its saved queries too; after it the record is saved there.

    Raises:
        UsageError: It was built from other rows.
        StoreError: The store cannot be built, for example because its file exists without a record.
    """
    record = bench_folder / "built.json"
    if path.exists() and record.exists():
        found = BuildRecord(**json.loads(record.read_text("utf-8")))
        if (found.rows, found.fingerprint) != (source.rows, source.fingerprint):
            raise UsageError(
                f"{path} was built from other rows: {found.rows:,} of {found.fingerprint}.",
                "Choose another file, or give the same rows, seed and sentences.",
            )
        return found
    shutil.rmtree(bench_folder)
    bench_folder.mkdir()
    stages = StageTimingCallback(report)
    known = read_minilm_vocabulary_words()
    build_store(path, source, embedder=MINILM, known_words=known, seed=source.seed, report=stages)
    built = BuildRecord(source.rows, source.fingerprint, stages.finish_stage_and_get_times())
    write_bytes_atomically(record, json.dumps(asdict(built)).encode())
    return built


def _load_or_compute_and_save_queries(
    source: SyntheticSource, bench_folder: Path, report: ProgressCallback
) -> BenchQueriesWithAnswers:
    """Return the queries and exact answers saved in `bench_folder`.

    Without them, compute and save them.
    """
    answers = bench_folder / "exact.npz"
    if not answers.exists():
        count = min(QUERIES, len(open_anchor_embeddings(source.folder).queries))
        queries = np.concatenate([source.make_queries(kind, count) for kind in ("real", "alike")])
        rows = find_exact_neighbors(source, queries, count_usable_processors(), report)
        texts = collect_subproblems(source, rows)
        numbers, lines = list(texts), list(texts.values())
        with write_atomically(answers) as file:
            np.savez(file, queries=queries, rows=rows, numbers=numbers, texts=lines)
    with np.load(answers) as found:
        texts = dict(zip(found["numbers"].tolist(), found["texts"].tolist(), strict=True))
        return BenchQueriesWithAnswers(found["queries"], found["rows"], texts)


class StageTimingCallback:
    """Progress callback that times each stage, and passes the progress on to another callback."""

    def __init__(self, report: ProgressCallback) -> None:
        self._report = report
        self._stage: str | None = None
        self._since = 0.0
        self._seconds: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        """Begin a new stage if `progress` names another; pass `progress` on."""
        if progress.stage != self._stage:
            self.finish_stage_and_get_times()
            self._stage, self._since = progress.stage, time.monotonic()
        self._report(progress)

    def finish_stage_and_get_times(self) -> dict[str, float]:
        """End the current stage, if any; return the seconds of each stage so far, by name."""
        if self._stage is not None:
            self._seconds[self._stage] = round(time.monotonic() - self._since, 1)
        return self._seconds


def _compute_percentile(milliseconds: list[float], share: int) -> float:
    return round(float(np.percentile(milliseconds, share)), 2)

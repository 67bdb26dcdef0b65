"""Benchmarks one other vector index (a peer) in three stages: build, tune, measure.

`runner` runs each stage in its own process.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import (
    Peer,
    PeerSearcher,
    PeerSetting,
    TimedVectorSource,
    VectorSource,
)
from rm_local.bench.peers.tuning import SettingResult, find_fastest_setting
from rm_local.system import resident_mb

PASS_SECONDS = 20.0
"""Time after which a run of the queries ends early, if `MIN_QUERIES` of them are done."""

MIN_QUERIES = 20
"""Minimum number of queries in a run, however long they take."""


@dataclass(frozen=True)
class PeerQueriesWithAnswers:
    """The query vectors for every peer, and the exact answers to compute the recall."""

    queries: Floats
    """An array (q, d) with rows of length 1."""
    exact: Ids
    """An array (q, k): the numbers of the k nearest rows of each query."""


@dataclass(frozen=True)
class PeerMeasurement:
    """Results of `measure_peer`: recall, times, memory and used cores at one setting."""

    recall: float
    p50_ms: float
    p95_ms: float
    queries: int
    memory_mb: float | None
    cores: float


@dataclass(frozen=True)
class _QueryRun:
    """Recall and times of one run of the queries, in order, possibly ended early."""

    recall: float
    milliseconds: list[float]


def time_index_build_without_source(
    peer: Peer, rows: VectorSource, dimension: int, folder: Path, threads: int
) -> float:
    """Build the index in `folder`; return the seconds, without the time for making the rows."""
    import_module(peer.module_name)
    timed = TimedVectorSource(rows)
    started = time.perf_counter()
    peer.build_index(timed, dimension, folder, threads)
    return time.perf_counter() - started - timed.seconds


def tune_peer(
    peer: Peer, rows: int, folder: Path, questions: PeerQueriesWithAnswers, target: float
) -> tuple[SettingResult, bool]:
    """Return the fastest setting of the index in `folder` with recall `target`, and True.

    If no setting reaches `target`, return the best result and False.
    """
    searcher = peer.open_index(folder, questions.queries.shape[1])

    def try_setting(setting: PeerSetting) -> SettingResult:
        once = _run_queries_until_time_limit(searcher, questions, setting)
        return SettingResult(setting, once.recall, float(np.median(once.milliseconds)))

    if not peer.breadth_name:
        trial = try_setting(PeerSetting(peer.get_max_breadth(rows)))
        return trial, trial.recall >= target
    return find_fastest_setting(try_setting, peer.get_max_breadth(rows), peer.depths, target)


def measure_peer(
    peer: Peer, folder: Path, questions: PeerQueriesWithAnswers, setting: PeerSetting
) -> PeerMeasurement:
    """Measure the index in `folder` at `setting`: run the queries to warm up, then again timed."""
    import_module(peer.module_name)
    before = resident_mb()
    searcher = peer.open_index(folder, questions.queries.shape[1])
    _run_queries_until_time_limit(searcher, questions, setting)
    processor, clock = time.process_time(), time.perf_counter()
    timed = _run_queries_until_time_limit(searcher, questions, setting)
    cores = (time.process_time() - processor) / (time.perf_counter() - clock)
    after = resident_mb()
    return PeerMeasurement(
        recall=timed.recall,
        p50_ms=float(np.percentile(timed.milliseconds, 50)),
        p95_ms=float(np.percentile(timed.milliseconds, 95)),
        queries=len(timed.milliseconds),
        memory_mb=None if before is None or after is None else after - before,
        cores=cores,
    )


def _run_queries_until_time_limit(
    searcher: PeerSearcher, questions: PeerQueriesWithAnswers, setting: PeerSetting
) -> _QueryRun:
    """Search with each query in turn, and compare with the exact answers.

    It ends early after PASS_SECONDS, but not before MIN_QUERIES queries.
    """
    k = questions.exact.shape[1]
    hits, times = 0, []
    until = time.perf_counter() + PASS_SECONDS
    for query, exact in zip(questions.queries, questions.exact.tolist(), strict=True):
        started = time.perf_counter()
        found = searcher.search(query, k, setting)
        ended = time.perf_counter()
        times.append((ended - started) * 1000)
        hits += len(set(found.tolist()) & set(exact))
        if ended > until and len(times) >= MIN_QUERIES:
            break
    return _QueryRun(hits / (k * len(times)), times)

"""What is done with one peer, each stage in a process of its own: build, tune, measure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import Peer, PeerSetting, Searcher, TimedVectors, Vectors
from rm_local.bench.peers.tuning import Trial, tune
from rm_local.system import resident_mb

PASS_SECONDS = 20.0
"""A pass over the queries ends after this long..."""

LEAST_QUERIES = 20
"""...but not before so many were asked."""


@dataclass(frozen=True)
class PeerQueries:
    """What every peer is asked."""

    queries: Floats
    """(q, d), rows of length 1."""
    exact: Ids
    """(q, k): for each query the numbers of the k rows nearest to it."""


@dataclass(frozen=True)
class PeerMeasurement:
    """One peer at one setting."""

    recall: float
    p50_ms: float
    p95_ms: float
    queries: int
    memory_mb: float | None
    cores: float


@dataclass(frozen=True)
class _Pass:
    """The queries asked once, in order."""

    recall: float
    milliseconds: list[float]


def built(peer: Peer, rows: Vectors, dimension: int, folder: Path, threads: int) -> float:
    """Build in `folder`; the seconds that took, without those of making the rows."""
    import_module(peer.package)
    clocked = TimedVectors(rows)
    started = time.perf_counter()
    peer.build(clocked, dimension, folder, threads)
    return time.perf_counter() - started - clocked.seconds


def tuned(
    peer: Peer, rows: int, folder: Path, questions: PeerQueries, target: float
) -> tuple[Trial, bool]:
    """The quickest setting whose recall reaches `target`, and whether any does."""
    searcher = peer.open(folder, questions.queries.shape[1])

    def ask(dial: PeerSetting) -> Trial:
        asked = _ask(searcher, questions, dial)
        return Trial(dial, asked.recall, float(np.median(asked.milliseconds)))

    if not peer.breadth:
        trial = ask(PeerSetting(peer.widest(rows)))
        return trial, trial.recall >= target
    return tune(ask, peer.widest(rows), peer.depths, target)


def measured(
    peer: Peer, folder: Path, questions: PeerQueries, dial: PeerSetting
) -> PeerMeasurement:
    """Ask all queries once to warm up, then again with the clock."""
    import_module(peer.package)
    before = resident_mb()
    searcher = peer.open(folder, questions.queries.shape[1])
    _ask(searcher, questions, dial)
    processor, clock = time.process_time(), time.perf_counter()
    asked = _ask(searcher, questions, dial)
    cores = (time.process_time() - processor) / (time.perf_counter() - clock)
    after = resident_mb()
    return PeerMeasurement(
        recall=asked.recall,
        p50_ms=float(np.percentile(asked.milliseconds, 50)),
        p95_ms=float(np.percentile(asked.milliseconds, 95)),
        queries=len(asked.milliseconds),
        memory_mb=None if before is None or after is None else after - before,
        cores=cores,
    )


def _ask(searcher: Searcher, questions: PeerQueries, dial: PeerSetting) -> _Pass:
    k = questions.exact.shape[1]
    hits, times = 0, []
    until = time.perf_counter() + PASS_SECONDS
    for query, exact in zip(questions.queries, questions.exact.tolist(), strict=True):
        started = time.perf_counter()
        found = searcher.search(query, k, dial)
        ended = time.perf_counter()
        times.append((ended - started) * 1000)
        hits += len(set(found.tolist()) & set(exact))
        if ended > until and len(times) >= LEAST_QUERIES:
            break
    return _Pass(hits / (k * len(times)), times)

"""Compares other vector indexes (peers) with the store, on the same rows and at the same recall."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from rm_local.bench.peers import stages
from rm_local.bench.peers.faiss_ivf import FaissIvfPeer
from rm_local.bench.peers.isolated import PeerFailedError, run_isolated
from rm_local.bench.peers.lance_ivf import LanceIvfPeer
from rm_local.bench.peers.peer_protocol import Peer, PeerSetting, VectorSource
from rm_local.bench.peers.report import IndexBenchResult, PeerComparison, SkippedPeer
from rm_local.bench.peers.sqlite_flat import SqliteFlatPeer
from rm_local.bench.peers.stages import PeerQueriesWithAnswers
from rm_local.bench.peers.usearch_hnsw import UsearchHnswPeer
from rm_local.progress import Progress, ProgressCallback, ignore_progress

PEERS: tuple[Peer, ...] = (
    FaissIvfPeer("RaBitQ", "Flat"),
    FaissIvfPeer("RaBitQ", "SQ8"),
    FaissIvfPeer("PQ48x8", "Flat"),
    SqliteFlatPeer("bits"),
    SqliteFlatPeer("float32"),
    UsearchHnswPeer(),
    LanceIvfPeer(),
)

T = TypeVar("T")


@dataclass(frozen=True)
class PeerLimits:
    """Limits for each peer: seconds until a stage is ended as failed, and threads."""

    build: float = 900
    search: float = 600
    """Limit in seconds for tuning, and as much again for measuring."""
    threads: int = os.cpu_count() or 1
    """Number of threads for building; queries use one."""


def compare_peers(
    store: IndexBenchResult,
    rows: VectorSource,
    questions: PeerQueriesWithAnswers,
    folder: Path,
    *,
    peers: Sequence[Peer] = PEERS,
    limits: PeerLimits | None = None,
    report: ProgressCallback = ignore_progress,
) -> PeerComparison:
    """Build each peer's index below `folder`, tune it to the store's recall, measure it, remove it.

    A peer that is not installed, fails, crashes or exceeds its time limit is skipped; the result
    says why.

    Raises:
        ValueError: The sizes of queries, exact answers and rows do not match.
    """
    _check_answer_shapes_and_range(rows, questions)
    found: list[IndexBenchResult] = []
    skipped: list[SkippedPeer] = []
    for peer in peers:
        try:
            found.append(
                _build_tune_and_measure_peer(
                    peer,
                    store.recall_at_10,
                    rows,
                    questions,
                    folder,
                    limits or PeerLimits(),
                    report,
                )
            )
        except PeerFailedError as error:
            skipped.append(SkippedPeer(peer.name, str(error)))
            report(Progress(f"{peer.name}: {error}"))
    return PeerComparison(rows.rows, store, tuple(found), tuple(skipped))


def _build_tune_and_measure_peer(
    peer: Peer,
    target: float,
    rows: VectorSource,
    questions: PeerQueriesWithAnswers,
    folder: Path,
    limits: PeerLimits,
    report: ProgressCallback,
) -> IndexBenchResult:
    """Build, tune and measure one peer; `target` is the recall to reach.

    Raises:
        PeerFailedError: The peer is not installed, failed, or exceeded a limit.
    """
    if find_spec(peer.module_name) is None:
        raise PeerFailedError(f"not installed; python -m pip install {peer.pip_name}")
    threads = limits.threads
    with tempfile.TemporaryDirectory(dir=folder, prefix="rm-local-peer-") as name:
        index_folder = Path(name)
        report(Progress(f"{peer.name}: building"))
        build = (peer, rows, questions.queries.shape[1], index_folder, threads)
        seconds = _run_stage_in_new_process(
            "build",
            stages.time_index_build_without_source,
            *build,
            seconds=limits.build,
            threads=threads,
        )
        report(
            Progress(f"{peer.name}: built in {seconds:,.0f} s, tuning to a recall of {target:.3f}")
        )
        tune = (peer, rows.rows, index_folder, questions, target)
        trial, reached = _run_stage_in_new_process(
            "tuning", stages.tune_peer, *tune, seconds=limits.search, threads=1
        )
        report(Progress(f"{peer.name}: measuring at {_format_setting(peer, trial.setting)}"))
        measure = (peer, index_folder, questions, trial.setting)
        ran = _run_stage_in_new_process(
            "search", stages.measure_peer, *measure, seconds=limits.search, threads=1
        )
        ran_all = ran.queries == len(questions.queries)
        return IndexBenchResult(
            name=peer.name,
            recall_at_10=round(ran.recall, 4),
            warm_p50_ms=round(ran.p50_ms, 3),
            warm_p95_ms=round(ran.p95_ms, 3),
            memory_mb=None if ran.memory_mb is None else round(ran.memory_mb, 1),
            bytes=sum(each.stat().st_size for each in index_folder.rglob("*") if each.is_file()),
            build_rows_per_s=round(rows.rows / max(seconds, 1e-9)),
            setting=_format_setting(peer, trial.setting),
            queries=None if ran_all else ran.queries,
            cores=round(ran.cores, 2),
            reached=reached,
        )


def _run_stage_in_new_process(
    name: str, work: Callable[..., T], *arguments: object, seconds: float, threads: int
) -> T:
    """Return the result of `run_isolated`; add the stage's name to the text of its error."""
    try:
        return run_isolated(work, *arguments, seconds=seconds, threads=threads)
    except PeerFailedError as error:
        raise PeerFailedError(f"{name}: {error}") from error


def _format_setting(peer: Peer, setting: PeerSetting) -> str:
    if not peer.breadth_name:
        return "exact"
    depth = f", {setting.depth}k reranked" if setting.depth else ""
    return f"{peer.breadth_name} {setting.breadth}{depth}"


def _check_answer_shapes_and_range(rows: VectorSource, questions: PeerQueriesWithAnswers) -> None:
    """Check that each query has exact answers, and that these are numbers of `rows`.

    The answers themselves are not verified.

    Raises:
        ValueError: They do not fit.
    """
    queries, exact = questions.queries, questions.exact
    if queries.ndim != 2 or not len(queries) or exact.ndim != 2 or len(exact) != len(queries):
        raise ValueError(f"{queries.shape} queries do not match {exact.shape} exact answers")
    if exact.min() < 0 or exact.max() >= rows.rows:
        raise ValueError(f"exact answers name rows that are not among the {rows.rows:,}")

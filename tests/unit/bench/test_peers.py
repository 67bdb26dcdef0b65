"""The race against other indexes: the dial, the limits, the ratios."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rm_local.bench.peers.isolated import PeerFailedError, run_isolated
from rm_local.bench.peers.peer_protocol import (
    PeerSetting,
    TimedVectorSource,
    choose_inverted_list_count,
    sample_rows,
)
from rm_local.bench.peers.report import IndexBenchResult, PeerComparison, SkippedPeer
from rm_local.bench.peers.runner import PEERS, PeerLimits, compare_peers
from rm_local.bench.peers.stages import PeerQueriesWithAnswers
from rm_local.bench.peers.tuning import SettingResult, find_fastest_setting
from rm_local.progress import Progress
from tests.support.peers import (
    DIMENSION,
    DyingPeer,
    EndlessPeer,
    FakePeer,
    RaisingPeer,
    Rows,
    everything,
)
from tests.support.watchdog import HANG_SECONDS

STORE = IndexBenchResult("rm-local", 0.6, 4.0, 6.0, 60.0, 5_000_000, 30_000)


@pytest.fixture
def questions() -> PeerQueriesWithAnswers:
    """Twenty queries with their ten nearest rows."""
    rows = everything(Rows())
    drawn = np.random.default_rng(9).normal(size=(20, DIMENSION)).astype(np.float32)
    return PeerQueriesWithAnswers(drawn, np.argsort(-(drawn @ rows.T), axis=1)[:, :10])


def asking(
    recall: Callable[[PeerSetting], float], tried: list[PeerSetting]
) -> Callable[[PeerSetting], SettingResult]:
    """Trials with this recall, and a time that grows with breadth and depth."""

    def ask(setting: PeerSetting) -> SettingResult:
        tried.append(setting)
        return SettingResult(
            setting, recall(setting), 0.01 * setting.breadth + 0.001 * setting.depth
        )

    return ask


def test_the_dial_stops_just_above_the_recall_wanted() -> None:
    """The breadth found reaches the target, and a twentieth less would not."""
    ask = asking(lambda setting: setting.breadth / 1000, [])

    trial, reached = find_fastest_setting(ask, 1000, (0,), 0.5)

    assert reached
    assert 500 <= trial.setting.breadth <= 526


def test_the_first_breadth_is_narrowed_too() -> None:
    """Where the first breadth is already enough, smaller ones are tried."""
    ask = asking(lambda setting: min(1, setting.breadth / 3), [])

    assert find_fastest_setting(ask, 1000, (0,), 1.0)[0].setting == PeerSetting(3)


def test_the_quickest_depth_wins() -> None:
    """A depth that needs less breadth is taken if that makes it quicker, and no deeper is tried."""
    tried: list[PeerSetting] = []

    def recall(setting: PeerSetting) -> float:
        return min(1.0, setting.breadth / (400 if setting.depth == 5 else 200))

    trial, reached = find_fastest_setting(asking(recall, tried), 1000, (5, 10, 20, 40), 1.0)

    assert reached
    assert trial.setting.depth == 10
    assert 200 <= trial.setting.breadth <= 210
    assert {setting.depth for setting in tried} == {5, 10, 20}


def test_a_dial_that_is_exhausted_says_so() -> None:
    """With all the breadth there is and too little recall the best trial comes back, as a miss."""
    trial, reached = find_fastest_setting(
        asking(lambda setting: setting.breadth / 200, []), 100, (0,), 0.9
    )

    assert not reached
    assert trial.setting.breadth == 100


def test_a_dial_that_brings_nothing_more_is_left_alone() -> None:
    """Recall that no longer rises ends the search long before the widest setting."""
    tried: list[PeerSetting] = []

    trial, reached = find_fastest_setting(asking(lambda setting: 0.8, tried), 1_000_000, (0,), 0.9)

    assert not reached
    assert trial.recall == 0.8
    assert max(setting.breadth for setting in tried) == 32


def test_a_peer_is_measured_at_the_recall_of_the_store(
    tmp_path: Path, questions: PeerQueriesWithAnswers
) -> None:
    """Its dial stands where its recall reaches the store's; nothing of it stays on the disk."""
    reports: list[Progress] = []

    found = compare_peers(
        STORE, Rows(), questions, tmp_path, peers=[FakePeer()], report=reports.append
    )

    (peer,) = found.peers
    assert 0.6 <= peer.recall_at_10 < 0.75
    assert peer.reached
    assert peer.setting.startswith("first ")
    assert peer.bytes == 300 * DIMENSION * 4 + 128
    assert peer.queries is None
    assert list(tmp_path.glob("rm-local-peer-*")) == []
    assert len(reports) == 3


def test_a_recall_that_no_setting_reaches_is_reported(
    tmp_path: Path, questions: PeerQueriesWithAnswers
) -> None:
    """The peer is in the table at its best, marked as short of the store's recall."""
    blind = PeerQueriesWithAnswers(questions.queries, (questions.exact + 1) % 300)
    store = IndexBenchResult("rm-local", 1.0, 4.0, 6.0, 60.0, 5_000_000, 30_000)

    found = compare_peers(store, Rows(), blind, tmp_path, peers=[FakePeer()])

    assert not found.peers[0].reached
    assert "recall not reached" in found.format_table()


def test_a_peer_that_is_not_there_is_left_out(
    tmp_path: Path, questions: PeerQueriesWithAnswers
) -> None:
    """The line says how to install it, and the others run."""
    missing = FakePeer(name="missing", module_name="no_such_package_here")

    found = compare_peers(STORE, Rows(), questions, tmp_path, peers=[missing, FakePeer()])

    assert found.skipped == (
        SkippedPeer("missing", "not installed; python -m pip install fake-peer"),
    )
    assert [peer.name for peer in found.peers] == ["fake"]


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (RaisingPeer(), "build: RuntimeError: no such index"),
        (DyingPeer(), "build: its process ended with exit code 7"),
    ],
)
def test_a_peer_that_fails_is_left_out(
    tmp_path: Path, questions: PeerQueriesWithAnswers, peer: FakePeer, why: str
) -> None:
    """What it raised, or how its process ended, is one line; its files are removed."""
    found = compare_peers(STORE, Rows(), questions, tmp_path, peers=[peer])

    assert found.skipped == (SkippedPeer(peer.name, why),)
    assert list(tmp_path.glob("rm-local-peer-*")) == []


def test_a_peer_that_takes_too_long_is_ended(
    tmp_path: Path, questions: PeerQueriesWithAnswers
) -> None:
    """After the limit its process is gone and the race says so."""
    limits = PeerLimits(build=0.2)

    found = compare_peers(STORE, Rows(), questions, tmp_path, peers=[EndlessPeer()], limits=limits)

    assert found.skipped == (SkippedPeer("endless", "build: not finished after 0 s"),)


def test_work_apart_has_its_threads_and_leaves_the_environment_alone() -> None:
    """The child's libraries are limited to so many threads; the parent's settings stay."""
    before = dict(os.environ)

    assert run_isolated(os.getenv, "OMP_NUM_THREADS", seconds=HANG_SECONDS, threads=1) == "1"
    assert dict(os.environ) == before


def test_work_apart_that_raises_is_one_line() -> None:
    """The error's kind and its first line come back."""
    with pytest.raises(PeerFailedError, match=r"^ValueError: invalid literal"):
        run_isolated(int, "many", seconds=HANG_SECONDS, threads=1)


def test_queries_that_do_not_fit_are_refused(
    tmp_path: Path, questions: PeerQueriesWithAnswers
) -> None:
    """A wrong number of exact answers, or answers beyond the rows, is an error before any build."""
    short = PeerQueriesWithAnswers(questions.queries, questions.exact[:3])
    beyond = PeerQueriesWithAnswers(questions.queries, questions.exact + 300)

    for wrong in (short, beyond):
        with pytest.raises(ValueError, match="exact answers"):
            compare_peers(STORE, Rows(), wrong, tmp_path, peers=[FakePeer()])


def test_ratios_are_the_store_over_the_peer() -> None:
    """4 ms against 1 ms is 4; what is unknown has no ratio; JSON holds both."""
    peer = IndexBenchResult("other", 0.61, 1.0, 2.0, None, 10_000_000, 60_000, "ef 9")
    found = PeerComparison(300, STORE, (peer,), (SkippedPeer("gone", "not installed"),))

    assert found.compute_store_to_peer_ratios(peer) == {
        "warm_p50_ms": 4.0,
        "warm_p95_ms": 3.0,
        "memory_mb": None,
        "bytes": 0.5,
        "build_rows_per_s": 0.5,
    }
    data = json.loads(json.dumps(found.to_json_dict()))
    assert data["peers"][0]["ratios"]["warm_p50_ms"] == 4.0
    assert data["store"]["name"] == "rm-local"
    assert data["left"] == [{"name": "gone", "why": "not installed"}]


def test_the_table_has_a_line_for_each_index() -> None:
    """Store first, then each peer with its ratios and its dial, then who is missing and why."""
    peer = IndexBenchResult(
        "other", 0.61, 1.0, 2.0, 600.0, 10_000_000, 60_000, "ef 9", 20, 1.9, False
    )

    head, store, other, note, left = (
        PeerComparison(300, STORE, (peer,), (SkippedPeer("gone", "not installed"),))
        .format_table()
        .splitlines()
    )

    assert "p50 ms" in head
    assert store.startswith("rm-local")
    assert "x)" not in store
    assert "1.00 (4x)" in other
    assert "600 (0.1x)" in other
    assert other.endswith("ef 9, recall not reached, 20 queries, 1.9 cores")
    assert "multiple of the peer's" in note
    assert left == "gone: not installed"


def test_a_sample_is_spread_over_all_rows() -> None:
    """As many from each block, and never more than there are."""
    rows = Rows()

    assert sample_rows(rows, 30).shape == (30, DIMENSION)
    assert sample_rows(rows, 10_000).shape == (300, DIMENSION)
    taken = {row.tobytes() for row in sample_rows(rows, 30)}
    for number in range(3):
        assert taken & {row.tobytes() for row in rows.make_vectors(number)}


def test_making_rows_is_not_charged_to_the_peer() -> None:
    """The time that the rows took is known, and they come out unchanged."""
    clocked = TimedVectorSource(Rows())

    assert np.array_equal(everything(clocked), everything(Rows()))
    assert clocked.seconds > 0
    assert (clocked.rows, clocked.block_rows) == (300, 128)


@pytest.mark.parametrize(("rows", "expected"), [(1, 2), (100_000, 512), (1_000_000, 2048)])
def test_lists_grow_with_the_root_of_the_rows(rows: int, expected: int) -> None:
    """A power of two near 2 sqrt(rows)."""
    assert choose_inverted_list_count(rows) == expected


def test_each_peer_has_a_name_of_its_own() -> None:
    """No two lines of the table can be confused."""
    assert len({peer.name for peer in PEERS}) == len(PEERS)

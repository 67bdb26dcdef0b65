"""Each real peer that is installed runs the race; sqlite-vec always is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rm_local.bench.peers.peer_protocol import Peer
from rm_local.bench.peers.report import IndexBenchResult
from rm_local.bench.peers.runner import PEERS, PeerLimits, compare_peers
from rm_local.bench.peers.stages import PeerQueriesWithAnswers
from tests.support.peers import Rows, everything

STORE = IndexBenchResult("rm-local", 0.9, 4.0, 6.0, 60.0, 5_000_000, 30_000)


@pytest.fixture(scope="module")
def questions() -> PeerQueriesWithAnswers:
    """Twenty queries in 384 dimensions with their ten nearest of 3,000 rows."""
    rows = everything(Rows(3000, 1024, 384))
    drawn = rows[::150] + np.random.default_rng(9).normal(size=(20, 384)) / 20
    unit = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return PeerQueriesWithAnswers(unit, np.argsort(-(unit @ rows.T), axis=1)[:, :10])


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: str(peer.name))
def test_a_peer_reaches_the_recall_of_the_store(
    peer: Peer, questions: PeerQueriesWithAnswers, tmp_path: Path
) -> None:
    """Built, opened again and tuned, it finds the right rows by their numbers."""
    pytest.importorskip(peer.module_name)
    limits = PeerLimits(threads=1)

    found = compare_peers(
        STORE, Rows(3000, 1024, 384), questions, tmp_path, peers=[peer], limits=limits
    )

    assert found.skipped == ()
    assert found.peers[0].reached
    assert found.peers[0].recall_at_10 >= 0.9
    if not peer.breadth_name:
        assert found.peers[0].recall_at_10 == 1.0

"""A small sample of what the campaigns in tests/campaigns do at length."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from rm_local.store.store import Store
from tests.campaigns import corruption, kills
from tests.support.faults.stores import fingerprint, ids_of, made_store

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and kills")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with clusters, rows added, deletions and words."""
    path = tmp_path_factory.mktemp("faults") / "whole.rms"
    made_store(path, 2100)
    return path


@pytest.mark.parametrize("seed", range(8))
def test_one_changed_byte_never_gives_another_entry(tmp_path: Path, whole: Path, seed: int) -> None:
    """It is found, or harmless, and ends no process."""
    data = bytearray(whole.read_bytes())
    (change,) = corruption.changes(bytes(data), 1, random.Random(seed))
    data[change.place] = change.after
    (tmp_path / "damaged.rms").write_bytes(data)
    with Store.open(whole) as store:
        wanted = fingerprint(store)
        texts = {each.id: corruption.texts_of(each) for each in store.get(ids_of(store)[:50])}
    how, said = corruption.in_a_process(tmp_path / "damaged.rms", wanted, texts)
    assert how not in corruption.BAD, said


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_committed(tmp_path: Path) -> None:
    """What it said to be committed is there, and nothing is wrong."""
    killed, committed = kills.kill_writers(tmp_path, 4, random.Random(0))
    assert killed == 4
    assert committed > 0


def test_a_killed_build_by_several_processes_continues(tmp_path: Path) -> None:
    """It continues until it is done, and makes the store it would have made."""
    folder = tmp_path / "builds"
    folder.mkdir()
    killed, builds = kills.kill_builds(folder, 3, 8_000, random.Random(0))
    assert killed == 3
    assert builds > 0


def test_a_process_of_a_build_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    """A build killed while another process of it encodes leaves no process."""
    hit, _ = kills.killed("build", tmp_path / "made.rms", 8_000, "block", 1)
    assert hit

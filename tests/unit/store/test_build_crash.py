"""A bulk build that is killed at any moment continues, and makes the store it would have made."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rm_local.errors import StoreError
from rm_local.progress import Progress
from rm_local.store.build import assign
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import EmbedderId
from rm_local.store.store import Store
from tests.support.faults.steps import KINDS, Kind, count_steps, is_killed_at
from tests.support.stores import MadeSource

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and kills")

ROWS = 2000
KILLS = 10
MADE = EmbedderId("made", 64, "0" * 64)
STAGES = ("sample", "train", "spill", "write", "finish", "calibrate")


@pytest.fixture(scope="module")
def source() -> MadeSource:
    """Two thousand rows, made once: children of a fork have them."""
    made = MadeSource(ROWS, block_rows=200)
    assert len(made.vectors) == len(made.entries) == ROWS
    return made


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four groups, and a checkpoint every four hundred rows."""
    monkeypatch.setattr(assign, "GROUP_ROWS", ROWS // 4)
    monkeypatch.setattr(assign, "CHECKPOINT_ROWS", 400)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, source: MadeSource) -> list[object]:
    """What a store holds whose build nobody stopped."""
    path = tmp_path_factory.mktemp("whole") / "made.rms"
    build_store(path, source, embedder=MADE, clusters=12)
    return held(path)


def held(path: Path) -> list[object]:
    """All entries of a store with their ids and vectors."""
    with Store.open(path) as store:
        ids = range(1, store.count_entries() + 1)
        return [store.get(ids), np.asarray(store.read_vectors(ids)).tolist()]


def in_a_child(work: Callable[[], None]) -> bool:
    """Whether `work` came to its end in a process of its own; otherwise it was killed."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("event", [1, 3])
def test_a_build_killed_in_each_stage_continues(
    tmp_path: Path, source: MadeSource, whole: list[object], stage: str, event: int
) -> None:
    """At the first or the third sign of a stage; there is no store until the build is done."""
    path, seen = tmp_path / "made.rms", []

    def kill(progress: Progress) -> None:
        seen.append(progress.stage)
        if seen.count(stage) == event:
            os.kill(os.getpid(), signal.SIGKILL)

    ended = in_a_child(lambda: build_store(path, source, embedder=MADE, clusters=12, report=kill))
    assert path.exists() == ended
    if not ended:
        build_store(path, source, embedder=MADE, clusters=12)
    assert held(path) == whole
    assert not path.with_name("made.rms.build").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_build_killed_again_and_again_continues(
    tmp_path: Path, source: MadeSource, whole: list[object], kind: Kind
) -> None:
    """At steps drawn from all of the work, whatever it is doing there; each build is the same."""
    path, rng, kills = tmp_path / "made.rms", random.Random(kind), 0

    def work() -> None:
        build_store(path, source, embedder=MADE, clusters=12)

    steps = count_steps(kind, work)
    path.unlink()
    while kills < KILLS:
        if is_killed_at(kind, rng.randrange(1, steps), work):
            kills += 1
        else:
            assert held(path) == whole
            path.unlink()
    if not path.exists() or path.with_name("made.rms.build").exists():
        work()
    assert held(path) == whole


def test_a_kill_after_the_renaming_leaves_only_tidying(
    tmp_path: Path, source: MadeSource, whole: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is there; the same call only removes what is left."""
    path = tmp_path / "made.rms"

    def killed() -> None:
        monkeypatch.setattr("shutil.rmtree", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        build_store(path, source, embedder=MADE, clusters=12)

    assert not in_a_child(killed)
    assert path.with_name("made.rms.build").exists()
    build_store(path, source, embedder=MADE, clusters=12)
    assert not path.with_name("made.rms.build").exists()
    assert held(path) == whole


def test_a_damaged_spill_file_is_an_error(tmp_path: Path, source: MadeSource) -> None:
    """A byte changed while the build was stopped is found, and no store is made of it."""
    path = tmp_path / "made.rms"
    stripe = path.with_name("made.rms.build") / "stripe-0"

    def kill(progress: Progress) -> None:
        if progress.stage == "write":
            os.kill(os.getpid(), signal.SIGKILL)

    in_a_child(lambda: build_store(path, source, embedder=MADE, clusters=12, report=kill))
    file = stripe / "0001.rows"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged"):
        build_store(path, source, embedder=MADE, clusters=12)
    assert not path.exists()

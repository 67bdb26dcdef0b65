"""Compaction: the same answers from a smaller file, and never less than one whole store."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from rm_local.errors import ReadOnlyStoreError, StoreError
from rm_local.progress import Progress
from rm_local.records import Entry
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import EmbedderId
from rm_local.store.request import SearchRequest
from rm_local.store.rewrite.compact import compact_store
from rm_local.store.sqlite import connection as sqlite, tables
from rm_local.store.sqlite.usage_counts import UsageCount, read_usage_counts, record_usage
from rm_local.store.store import Store
from tests.support.faults.steps import KINDS, Kind, count_steps, is_killed_at
from tests.support.stores import MadeSource, entries, toy_store, vectors

ROWS = 3000
KILLS = 10
MADE = EmbedderId("made", 64, "0" * 64)
forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and kills")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A built store with entries added, from which every third one was deleted."""
    path = tmp_path_factory.mktemp("compact") / "made.rms"
    build_store(path, MadeSource(ROWS), embedder=MADE, clusters=12)
    with Store.open(path, write=True) as store:
        store.add_entries(entries(ROWS + 60)[ROWS:], vectors(60, dimension=64))
        store.delete_entries(range(3, ROWS + 60, 3))
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, original: bytes) -> Path:
    """That store."""
    path = tmp_path / "made.rms"
    path.write_bytes(original)
    return path


def held(path: Path) -> list[tuple[str, str, str, str]]:
    """What all entries of a store say, sorted."""
    with Store.open(path) as store:
        return sorted(
            (e.subproblem, e.subroutine, e.domain, e.source)
            for e in store.sample_entries(2 * ROWS, 0)
        )


def test_a_smaller_file_gives_the_same_answers(path: Path) -> None:
    """All entries are there, searches find the same ones, and no other file is left."""
    near = MadeSource(ROWS).vectors[:40]
    queries = 0.3 * vectors(40, dimension=64, seed=9) + near
    before, size = held(path), path.stat().st_size

    def found() -> list[list[str]]:
        with Store.open(path) as store:
            return [
                [hit.entry.subproblem for hit in store.search(SearchRequest(query, breadth=8))]
                for query in queries
            ]

    answers = found()
    path.chmod(0o640)
    compact_store(path)
    assert held(path) == before
    # In the codes' precision: neighbours that are equally near may change places.
    same = sum(len({*a} & {*b}) for a, b in zip(answers, found(), strict=True))
    assert same >= 0.99 * 10 * len(queries)
    assert path.stat().st_size < size
    assert path.stat().st_mode & 0o777 == 0o640
    assert [*path.parent.glob("made.rms?*")] == []
    with Store.open(path) as store:
        assert store.verify() == []


def test_old_ids_name_nothing_and_new_ones_continue(path: Path) -> None:
    """Also after a second compaction, and after an addition, a deletion and an edit."""
    last = ROWS + 60
    for _ in range(2):
        compact_store(path)
        with Store.open(path, write=True) as store:
            ids = {entry.id for entry in store.sample_entries(2 * ROWS, 0)}
            assert min(ids) > last
            with pytest.raises(StoreError, match=f"no entry {last}"):
                store.get([last])
            (added,) = store.add_entries(entries(1), vectors(1, dimension=64))
            assert added > max(ids)
            store.delete_entries([min(ids), added])
            last = store.replace_entry(max(ids), Entry("a", "b"), vectors(1, dimension=64)[0])
            assert store.verify() == []


def test_a_store_that_was_never_built_in_bulk_is_compacted(tmp_path: Path) -> None:
    """Its entries are stored in blocks afterwards."""
    path = toy_store(tmp_path / "toy.rms")
    before = held(path)
    compact_store(path, level=3)
    assert held(path) == before
    with Store.open(path) as store:
        assert store.search(SearchRequest(vectors(12)[4], "zorb4", k=1))[0].entry.id > 16


def _refused(path: Path) -> None:
    sqlite.BUSY_MS = 1
    with Store.open(path, write=True) as store:
        assert len(store.search(SearchRequest(vectors(1, dimension=64)[0]))) == 10
        with pytest.raises(StoreError, match="Another program is writing"):
            store.add_entries(entries(1), vectors(1, dimension=64))


def test_others_read_but_do_not_write_meanwhile(path: Path) -> None:
    """In another process a search still works, and an addition is refused, not lost."""
    before = held(path)
    seen: list[int | None] = []

    def use(progress: Progress) -> None:
        if progress.stage == "sample" and not seen:
            # Not forked: a child that has its parent's connections would undo their locks.
            context = multiprocessing.get_context("spawn")
            child = context.Process(target=_refused, args=(path,))
            child.start()
            child.join()
            seen.append(child.exitcode)

    compact_store(path, report=use)
    assert seen == [0]
    assert held(path) == before


def test_a_writer_who_opened_the_old_file_is_refused(path: Path) -> None:
    """What it adds would be in a file that nobody opens again, so it is refused."""
    with Store.open(path, write=True) as store:
        compact_store(path)
        with pytest.raises(StoreError, match="replaced or removed") as error:
            store.add_entries(entries(1), vectors(1, dimension=64))
        assert "Open it again" in error.value.remedy


def in_a_child(work: Callable[[], None]) -> bool:
    """Whether `work` came to its end in a process of its own; otherwise it was killed."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


@pytest.mark.slow
@forks
@pytest.mark.parametrize("stage", ["sample", "train", "spill", "write", "finish"])
def test_a_kill_in_each_stage_keeps_the_old_store(path: Path, stage: str) -> None:
    """The store is the old one and takes entries; the next call finishes, with them in."""
    before = held(path)

    def kill(progress: Progress) -> None:
        if progress.stage == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    assert not in_a_child(lambda: compact_store(path, report=kill))
    assert held(path) == before
    with Store.open(path, write=True) as store:
        store.add_entries([Entry("a late one", "b")], vectors(1, dimension=64))
    compact_store(path)
    assert held(path) == sorted([*before, ("a late one", "b", "", "")])
    assert [*path.parent.glob("made.rms?*")] == []


@pytest.mark.slow
@forks
@pytest.mark.parametrize("call", ["shutil.copymode", "shutil.rmtree", "os.replace"])
def test_a_kill_around_the_swap_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Before the finished store has its name, and before the folder of its build is gone."""
    before = held(path)

    def killed() -> None:
        monkeypatch.setattr(call, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        compact_store(path)

    assert not in_a_child(killed)
    assert held(path) == before
    compact_store(path)
    assert held(path) == before
    assert [*path.parent.glob("made.rms?*")] == []


@pytest.mark.slow
@forks
@pytest.mark.parametrize("kind", KINDS)
def test_kills_again_and_again_lose_nothing(path: Path, kind: Kind) -> None:
    """At steps drawn from all of the work, whatever it is doing there."""
    before, rng, kills = held(path), random.Random(kind), 0
    steps = count_steps(kind, lambda: compact_store(path))
    while kills < KILLS:
        kills += is_killed_at(kind, rng.randrange(1, steps), lambda: compact_store(path))
        assert held(path) == before
    compact_store(path)
    assert held(path) == before
    assert [*path.parent.glob("made.rms?*")] == []


def test_what_cannot_be_compacted_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, no entries, a file that nobody may write: each is reported, the store stays."""
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
        with pytest.raises(StoreError, match=r"needs .* free"):
            compact_store(path)
    path.chmod(0o444)
    with pytest.raises(ReadOnlyStoreError):
        compact_store(path)
    assert path.read_bytes() == before
    with Store.create(path.with_name("empty.rms"), embedder=MADE):
        pass
    with pytest.raises(StoreError, match="has no entries"):
        compact_store(path.with_name("empty.rms"))


def test_a_small_store_does_not_grow(tmp_path: Path) -> None:
    """It gets no rotation, which would take more room than all its entries."""
    path = tmp_path / "small.rms"
    with Store.create(path, embedder=EmbedderId("wide", 384, "0" * 64)) as store:
        store.add_entries(entries(300), vectors(300, dimension=384))
    size = path.stat().st_size
    compact_store(path)
    assert path.stat().st_size < size


def test_several_processes_read_the_locked_store(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each opens it for itself, despite the lock that keeps writers out."""
    monkeypatch.setattr("rm_local.store.build.pipeline.ROWS_FOR_A_PROCESS", 500)
    monkeypatch.setattr("rm_local.store.build.pipeline.count_usable_processors", lambda: 2)
    before = held(path)
    compact_store(path)
    assert held(path) == before


def test_tallies_go_with_their_entries(path: Path) -> None:
    """Under the new ids, and only those of entries that are left."""
    with sqlite.open_connection_close_on_error(path, "write") as connection:
        with tables.write_transaction(connection):
            record_usage(connection, [1, 7, 7], [7])
            record_usage(connection, [7], [7])
        connection.close()
    with Store.open(path) as store:
        one, seven = store.get([1, 7])
    compact_store(path)
    with Store.open(path) as store, store.borrow_connection() as connection:
        ids = {entry.subproblem: entry.id for entry in store.sample_entries(2 * ROWS, 0)}
        new = ids[one.subproblem], ids[seven.subproblem]
        assert read_usage_counts(connection, ids.values()) == {
            new[0]: UsageCount(1, 0),
            new[1]: UsageCount(2, 2),
        }

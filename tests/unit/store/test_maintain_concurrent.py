"""All tidying together: ended early, killed, kept out, and with a reader in another process."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import apsw
import numpy as np
import pytest

from rm_local.errors import CorruptStoreError, ReadOnlyStoreError
from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.index.search import Searcher
from rm_local.store.maintain import maintainer
from rm_local.store.maintain.maintainer import Maintainer, MaintenanceResult
from rm_local.store.request import SearchRequest
from rm_local.store.sqlite import connection as sqlite, entry_texts
from rm_local.store.sqlite.meta import read_meta, write_meta_value
from rm_local.store.sqlite.reader_pool import ReaderPool, read_transaction
from rm_local.store.sqlite.snapshot import StateWatch, StoreState, read_store_state
from rm_local.store.sqlite.vec0 import TEXTS, read_compression_dictionary
from rm_local.store.store import Store
from tests.support.faults.steps import KINDS, Kind, count_steps, is_killed_at
from tests.support.maintenance import (
    BULK,
    EXACT,
    QUERIES,
    answers,
    copied,
    held,
    value,
    worn_store,
)
from tests.support.stores import toy_store

LONG = 1e9
"""Seconds that nothing here takes."""
KILLS = 10
STEPS = 20
"""Of tidying, for which there is time in one call."""
forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and kills")


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something to do for each kind of work but the first clusters."""
    return worn_store(tmp_path_factory.mktemp("worn") / "worn.rms")


@pytest.fixture
def path(tmp_path: Path, worn: Path) -> Path:
    """A copy of it."""
    return copied(worn, tmp_path)


def tidied(path: Path, seconds: float = LONG) -> MaintenanceResult:
    """What a tidier did that takes clusters of 300 rows for large."""
    return Maintainer(path, largest=300).run_tasks(seconds)


def test_everything_is_done_and_reported(path: Path, worn: Path) -> None:
    """Nothing is left, answers are as before, and a second time there is nothing to do."""
    stages: list[str] = []
    report = Maintainer(path, largest=300).run_tasks(LONG, lambda now: stages.append(now.stage))
    assert list(report.left) == list(dict.fromkeys(stages))
    assert set(report.left.values()) == {0}
    assert min(report.done.values()) > 0
    assert not report.busy
    assert (held(path), answers(path)) == (held(worn), answers(worn))
    assert tidied(path).done == {}


def test_work_continues_where_time_was_up(
    path: Path, worn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time for a few steps a call is enough in the end; the store is whole after each."""
    step, now, calls, entries = maintainer._run_step_unless_locked, 0, 0, held(worn)

    def take_a_second(*arguments: Any) -> Any:
        nonlocal now
        found = step(*arguments)
        now += bool(found)
        return found

    with monkeypatch.context() as patch:
        # By the real clock, which a step looks at, its time is always over.
        patch.setattr(maintainer, "monotonic", lambda: now)
        patch.setattr(maintainer, "_run_step_unless_locked", take_a_second)
        while tidied(path, STEPS).done:
            calls += 1
            assert held(path) == entries
    assert calls == -(-now // STEPS) > 6
    print(calls, now)
    assert tidied(path).done == {}
    assert answers(path) == answers(worn)


@pytest.mark.slow
@forks
@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_moment_loses_nothing(path: Path, worn: Path, kind: Kind) -> None:
    """Again and again, at steps drawn from all of the work: nothing is ever lost or wrong."""
    rng, entries, kills = random.Random(kind), held(worn), 0
    steps = count_steps(kind, lambda: tidied(path))
    copied(worn, path.parent)
    while kills < KILLS:
        if is_killed_at(kind, rng.randrange(1, steps), lambda: tidied(path)):
            kills += 1
        else:
            assert answers(path) == answers(worn)
            copied(worn, path.parent)
        assert held(path) == entries
    tidied(path)
    assert tidied(path).done == {}
    assert answers(path) == answers(worn)


class Reader:
    """Reads a store as one that stays open does: asking at each search what has changed."""

    def __init__(self, path: Path) -> None:
        with sqlite.open_connection_close_on_error(path, "read") as self._connection:
            self._readers = ReaderPool(self._connection, path)
        self._codec = TextCodec(read_compression_dictionary(self._connection, TEXTS))
        self._watch = StateWatch(self._connection)
        self._state = read_store_state(self._connection)
        self.changes = 0

    def search(self, query: np.ndarray) -> list[tuple[str, float]]:
        """Subproblems and similarities."""
        with read_transaction(self._connection):
            if (changed := self._watch.read_state_if_others_committed()) is not None:
                self.changes += changed != self._state
                self._state = changed
                self._searcher = Searcher(
                    self._connection, self._readers, read_meta(self._connection)
                )
            ranked = self._searcher.search(SearchRequest(query, breadth=EXACT))
            ids = [each.id for each in ranked]
            entries = entry_texts.read_entries(self._connection, self._codec, self._state.bulk, ids)
            return [(entries[each.id].subproblem, round(each.similarity, 5)) for each in ranked]

    def close(self) -> None:
        """Close its connections."""
        self._readers.close_second_connection()
        self._connection.close()


@pytest.fixture
def reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """One whose searches are exact."""
    monkeypatch.setattr("rm_local.store.index.search.SLACK", 100.0)
    made = Reader(path)
    yield made
    made.close()


def tidy_in_turn(path: Path, searched: int) -> NoReturn:
    """Tidy in this process, a step whenever `searched` says that a reader has searched; exit."""
    step, status = maintainer._run_step_unless_locked, 1

    def step_in_turn(*arguments: Any) -> Any:
        os.read(searched, len(b"searched"))
        return step(*arguments)

    try:
        pytest.MonkeyPatch().setattr(
            maintainer, "_run_step_unless_locked", step_in_turn
        )  # until os._exit
        while tidied(path).busy:
            pass
        status = 0
    finally:
        os._exit(status)


@forks
def test_a_reader_gets_the_same_answers_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process tidies to the end, each answer is the one from before."""
    monkeypatch.setattr("rm_local.store.index.search.SLACK", 100.0)

    here, there = os.pipe()
    process = os.fork()
    if not process:
        os.close(there)
        tidy_in_turn(path, here)
    os.close(here)
    reader = Reader(path)
    wanted = [reader.search(query) for query in QUERIES]
    while os.waitpid(process, os.WNOHANG) == (0, 0):
        assert [reader.search(query) for query in QUERIES] == wanted
        with suppress(BrokenPipeError):
            os.write(there, b"searched")
    os.close(there)
    assert [reader.search(query) for query in QUERIES] == wanted
    assert reader.changes > 0
    reader.close()
    assert set(tidied(path).left.values()) == {0}


def test_an_open_store_notices(path: Path, reader: Reader) -> None:
    """What it remembers is read again after tidying, and only then."""
    before = [reader.search(query) for query in QUERIES]
    tidied(path)
    assert [reader.search(query) for query in QUERIES] == before
    assert reader.changes == 1


def test_a_watch_reports_only_changes_by_others(path: Path) -> None:
    """The state at first, nothing while nobody writes or only itself does, then the new one."""
    with sqlite.open_connection_close_on_error(path, "write") as connection:
        watch = StateWatch(connection)
        first = watch.read_state_if_others_committed()
        assert first
        assert first == StoreState(BULK, first.search_params, 0)
        write_meta_value(connection, "probes", 7)
        assert watch.read_state_if_others_committed() is None
        with apsw.Connection(str(path)) as other:
            write_meta_value(other, "candidates", 900)
        assert watch.read_state_if_others_committed() == replace(
            first, search_params=replace(first.search_params, nprobe=7, candidates=900)
        )
    connection.close()


def test_a_writer_keeps_the_maintenance_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends, says so, and has done nothing; the writer is not disturbed."""
    monkeypatch.setattr("rm_local.store.maintain.maintainer.WAIT_MS", 1)
    before = held(path)
    writer = apsw.Connection(str(path))
    writer.execute("BEGIN IMMEDIATE")
    write_meta_value(writer, "probes", 20)
    report = tidied(path)
    assert (report.busy, report.done) == (True, {})
    assert report.left["entries not in blocks"] > 0
    writer.execute("COMMIT")
    writer.close()
    assert value(path, "SELECT value FROM meta WHERE key = 'probes'") == 20
    assert held(path) == before


def test_stores_that_cannot_be_tidied_are_errors(tmp_path: Path) -> None:
    """One that cannot be written to, and a file that is no store, are errors as at each opening."""
    path = toy_store(tmp_path / "toy.rms")
    path.chmod(0o444)
    with pytest.raises(ReadOnlyStoreError, match="cannot be written to"):
        Maintainer(path).run_tasks(1)
    (tmp_path / "none.rms").write_bytes(b"none")
    with pytest.raises(CorruptStoreError, match="not a store"):
        Maintainer(tmp_path / "none.rms").run_tasks(1)


def test_damage_ends_the_work_and_keeps_the_rest(path: Path) -> None:
    """What was done before is kept."""
    database = apsw.Connection(str(path))
    database.execute("UPDATE block SET z = zeroblob(50) WHERE blk = 60")
    database.close()
    with pytest.raises(CorruptStoreError, match="damaged"):
        tidied(path)
    assert value(path, "SELECT count(*) FROM text") < 16
    with Store.open(path) as store:
        assert any("961" in each or "1 to 4096" in each for each in store.verify())

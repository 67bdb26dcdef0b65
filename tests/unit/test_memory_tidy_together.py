"""All tidying together: ended early, killed, kept out, and with a reader in another process."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import apsw
import numpy as np
import pytest

from rm_local.errors import StoreInvalid, StoreReadOnly
from rm_local.memory import connection as sqlite
from rm_local.memory import shelf
from rm_local.memory.layout import TEXTS, dictionary_of
from rm_local.memory.meta import put, read_meta
from rm_local.memory.readers import Readers, reading
from rm_local.memory.search import Query, Searcher
from rm_local.memory.store import Store
from rm_local.memory.texts import Codec
from rm_local.memory.tidy.tidier import Report, Tidier
from rm_local.memory.watch import State, Watch, state
from tests.stores import toy_store
from tests.tidying import BULK, EXACT, QUERIES, answers, copied, held, value, worn_store

LONG = 600.0
forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and kills")


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something to do for each kind of work but the first clusters."""
    return worn_store(tmp_path_factory.mktemp("worn") / "worn.rms")


@pytest.fixture
def path(tmp_path: Path, worn: Path) -> Path:
    """A copy of it."""
    return copied(worn, tmp_path)


def tidied(path: Path, seconds: float = LONG) -> Report:
    """What a tidier did that takes clusters of 300 rows for large."""
    return Tidier(path, largest=300).work(seconds)


def child(work: Callable[[], object]) -> int:
    """A process that does `work`, and ends."""
    process = os.fork()
    if not process:
        try:
            work()
        finally:
            os._exit(0)
    return process


def test_everything_is_done_and_told(path: Path, worn: Path) -> None:
    """Nothing is left, answers are as before, and a second time there is nothing to do."""
    told: list[str] = []
    report = Tidier(path, largest=300).work(LONG, lambda name, _: told.append(name))
    assert list(report.left) == told
    assert set(report.left.values()) == {0}
    assert min(report.done.values()) > 0
    assert not report.busy
    assert (held(path), answers(path)) == (held(worn), answers(worn))
    assert tidied(path).done == {}


def test_work_goes_on_where_time_was_up(path: Path, worn: Path) -> None:
    """Time for one step a call is enough in the end; the store is whole after each."""
    for _ in range(200):
        if not tidied(path, 1e-9 if value(path, "SELECT count(*) FROM text") < 16 else 0.01).done:
            break
    assert held(path) == held(worn)
    tidied(path)
    assert answers(path) == answers(worn)


@forks
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment(path: Path, worn: Path, seed: int) -> None:
    """Again and again, after random times on the processor: nothing is ever lost or wrong."""
    rng, kills = random.Random(seed), 0
    entries = held(worn)

    def limited(seconds: float) -> None:
        # Nothing handles SIGPROF, so it ends the process as SIGKILL would.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        tidied(path)

    def killed() -> bool:
        process = child(partial(limited, rng.uniform(0.002, 0.02 * (kills + 1))))
        return os.WIFSIGNALED(os.waitpid(process, 0)[1])

    while killed():
        kills += 1
        assert held(path) == entries
    assert kills > 2
    assert tidied(path).done == {}
    assert answers(path) == answers(worn)


class Reader:
    """Reads a store as one that stays open does: asking at each search what has changed."""

    def __init__(self, path: Path) -> None:
        with sqlite.opened(path, "read") as self._connection:
            self._readers = Readers(self._connection, path)
        self._codec = Codec(dictionary_of(self._connection, TEXTS))
        self._watch = Watch(self._connection)
        self._state = state(self._connection)
        self.changes = 0

    def search(self, query: np.ndarray) -> list[tuple[str, float]]:
        """Subproblems and similarities."""
        with reading(self._connection):
            if (changed := self._watch.changed()) is not None:
                self.changes += changed != self._state
                self._state = changed
                self._searcher = Searcher(
                    self._connection, self._readers, read_meta(self._connection)
                )
            ranked = self._searcher.search(Query(query, effort=EXACT))
            ids = [each.id for each in ranked]
            entries = shelf.entries(self._connection, self._codec, self._state.bulk, ids)
            return [(entries[each.id].subproblem, round(each.similarity, 5)) for each in ranked]

    def close(self) -> None:
        """Close its connections."""
        self._readers.close()
        self._connection.close()


@pytest.fixture
def reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """One whose searches are exact."""
    monkeypatch.setattr("rm_local.memory.search.SLACK", 100.0)
    made = Reader(path)
    yield made
    made.close()


@forks
def test_a_reader_goes_on_meanwhile(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process tidies to the end, each answer is the one from before."""
    monkeypatch.setattr("rm_local.memory.search.SLACK", 100.0)

    def work() -> None:
        while tidied(path).busy:
            pass

    process = child(work)
    reader = Reader(path)
    wanted = [reader.search(query) for query in QUERIES]
    running = True
    while running:
        running = os.waitpid(process, os.WNOHANG) == (0, 0)
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


def test_what_a_watch_tells(path: Path) -> None:
    """The state at first, nothing while nobody writes or only itself does, then the new one."""
    with sqlite.opened(path, "write") as connection:
        watch = Watch(connection)
        first = watch.changed()
        assert first == State(BULK, first.dial, 0)
        put(connection, "probes", 7)
        assert watch.changed() is None
        with apsw.Connection(str(path)) as other:
            put(other, "candidates", 900)
        assert watch.changed() == replace(first, dial=replace(first.dial, probes=7, candidates=900))
    connection.close()


def test_kept_out_by_a_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends, says so, and has done nothing; the writer is not disturbed."""
    monkeypatch.setattr("rm_local.memory.tidy.tidier.WAIT_MS", 1)
    before = held(path)
    writer = apsw.Connection(str(path))
    writer.execute("BEGIN IMMEDIATE")
    put(writer, "probes", 20)
    report = tidied(path)
    assert (report.busy, report.done) == (True, {})
    assert report.left["entries not in blocks"] > 0
    writer.execute("COMMIT")
    writer.close()
    assert value(path, "SELECT value FROM meta WHERE key = 'probes'") == 20
    assert held(path) == before


def test_stores_that_cannot_be_tidied(tmp_path: Path) -> None:
    """One that cannot be written to, and a file that is none, are errors as at each opening."""
    path = toy_store(tmp_path / "toy.rms")
    path.chmod(0o444)
    with pytest.raises(StoreReadOnly, match="cannot be written to"):
        Tidier(path).work(1)
    (tmp_path / "none.rms").write_bytes(b"none")
    with pytest.raises(StoreInvalid, match="not a store"):
        Tidier(tmp_path / "none.rms").work(1)


def test_damage_ends_it(path: Path) -> None:
    """What was done before is kept."""
    database = apsw.Connection(str(path))
    database.execute("UPDATE block SET z = zeroblob(50) WHERE blk = 60")
    database.close()
    with pytest.raises(StoreInvalid, match="damaged"):
        tidied(path)
    assert value(path, "SELECT count(*) FROM text") < 16
    with Store.open(path) as store:
        assert any("961" in each or "1 to 4096" in each for each in store.verify())

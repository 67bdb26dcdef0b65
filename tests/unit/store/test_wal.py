"""The log of a store that is written to: one file again afterwards, and never another store's."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from rm_local.errors import StoreError
from rm_local.store.build.pipeline import build_store
from rm_local.store.rewrite.compact import compact_store
from rm_local.store.sqlite import wal
from rm_local.store.sqlite.reader_pool import ReaderPool, read_transaction
from rm_local.store.store import Store
from tests.support.faults.stores import MADE
from tests.support.stores import TOY, MadeSource, entries, toy_store, vectors

ROOT = Path(__file__).resolve().parents[3]
KILLED = """
import os, signal, sys
from rm_local.store.store import Store
from tests.support.faults.stores import MADE
from tests.support.stores import entries, vectors

store = Store.open(sys.argv[1], write=True)
store.add_entries(entries(5), vectors(5))
os.kill(os.getpid(), signal.SIGKILL)
"""

COUNTED = """
import sys
from rm_local.store.store import Store

with Store.open(sys.argv[1]) as store:
    print(store.count_entries())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store of twelve."""
    return toy_store(tmp_path / "toy.rms")


def names(path: Path) -> list[str]:
    """The store, and the files next to it under its name."""
    return sorted(each.name for each in path.parent.glob(f"{path.name}*"))


def counted(path: Path) -> int:
    """How many entries another process, which opens and closes the store, finds."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, str(path)], cwd=ROOT, check=True, capture_output=True
    )
    return int(done.stdout)


def add(store: Store) -> int:
    """One entry more: its id."""
    return store.add_entries(entries(1), vectors(1))[0]


def test_at_rest_there_is_one_file(path: Path) -> None:
    """A log is there while a writer has the store open, and not after it."""
    with Store.open(path, write=True) as store:
        assert names(path) == ["toy.rms"]
        add(store)
        assert "toy.rms-wal" in names(path)
        assert store.read_info().size >= path.stat().st_size
    assert names(path) == ["toy.rms"]
    assert path.read_bytes()[18:20] == b"\x01\x01"


def test_a_log_has_its_length_from_the_start(path: Path) -> None:
    """No commit has to make it longer, and another process reads of it what was committed."""
    log = path.with_name("toy.rms-wal")
    with Store.open(path, write=True) as store:
        for place in range(20):
            store.add_entries(entries(1), vectors(1, seed=place))
            assert log.stat().st_size == wal.LOG_BYTES
        assert counted(path) == 32
    assert counted(path) == 32


def test_a_second_writer_leaves_the_log_as_it_is(path: Path) -> None:
    """What the first one committed stays, whoever writes next."""
    with Store.open(path, write=True) as first, Store.open(path, write=True) as second:
        first.add_entries(entries(3), vectors(3))
        second.add_entries(entries(2), vectors(2))
        first.add_entries(entries(1), vectors(1))
        assert second.count_entries() == 18
    assert counted(path) == 18
    assert names(path) == ["toy.rms"]


def test_a_commit_waits_for_no_reader(path: Path) -> None:
    """A reader continues with the state in which it began, and sees the new one next."""
    with Store.open(path, write=True) as writer, Store.open(path) as reader:
        add(writer)
        with reader.borrow_connection():
            before = reader.count_entries()
            add(writer)
            assert reader.count_entries() == before == 13
        assert reader.count_entries() == 14
        assert reader.verify() == []


def test_the_last_one_to_close_leaves_one_file(path: Path) -> None:
    """Whoever reads on when the writer is done has all of it, and so has who comes after."""
    with Store.open(path) as reader:
        with Store.open(path, write=True) as writer:
            add(writer)
            reader.count_entries()
        assert reader.count_entries() == 13
    assert names(path) == ["toy.rms"]
    path.chmod(0o444)
    with Store.open(path) as store:
        assert store.count_entries() == 13
        assert store.verify() == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_what_a_killed_writer_committed_is_read(path: Path) -> None:
    """It is in the log, which the next one to open the store puts into it."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert "toy.rms-wal" in names(path)
    with Store.open(path) as store:
        assert store.count_entries() == 17
        assert store.verify() == []
    assert names(path) == ["toy.rms"]


def test_a_store_with_a_log_is_not_replaced(tmp_path: Path) -> None:
    """Who has it open keeps the log, which would be taken for that of the new store."""
    path = tmp_path / "made.rms"
    build_store(path, MadeSource(2000), embedder=MADE)
    with Store.open(path) as reader:
        with Store.open(path, write=True) as writer:
            writer.delete_entries([3])
            reader.count_entries()
        with pytest.raises(StoreError, match=r"has opened the store"):
            compact_store(path)
        assert reader.count_entries() == 1999
    compact_store(path)
    with Store.open(path) as store:
        assert store.count_entries() == 1999


def test_the_log_of_a_store_that_is_gone_is_nobodys(tmp_path: Path) -> None:
    """A build under the name of a store that was removed after a kill does not take its log."""
    path = toy_store(tmp_path / "toy.rms")
    writer = Store.open(path, write=True)
    add(writer)
    log = (tmp_path / "toy.rms-wal").read_bytes()
    writer.close()
    path.unlink()
    (tmp_path / "toy.rms-wal").write_bytes(log)
    build_store(path, MadeSource(2000), embedder=MADE)
    with Store.open(path) as store:
        assert store.count_entries() == 2000
        assert store.verify() == []


def test_the_second_reader_sees_what_the_first_sees(path: Path) -> None:
    """When another process wrote between the two, the first does all of the work."""
    with Store.open(path, write=True) as writer:
        add(writer)
        first = apsw.Connection(str(path))
        readers = ReaderPool(first, path)
        with read_transaction(first):
            first.execute("SELECT * FROM ref").fetchall()
            before = readers.map_pieces(lambda *read: read, range(200), lambda found: found)
            add(writer)
            after = readers.map_pieces(lambda *read: read, range(200), lambda found: found)
        readers.close_second_connection()
        first.close()
    assert [piece for _, piece in before] == [piece for _, piece in after] == list(range(200))
    assert {connection for connection, _ in after} == {first}


def test_a_new_store_has_no_log(tmp_path: Path) -> None:
    """Also when it was made and filled in one go."""
    with Store.create(tmp_path / "new.rms", embedder=TOY) as store:
        add(store)
    assert names(tmp_path / "new.rms") == ["new.rms"]


def test_a_second_opening_in_the_same_process_takes_no_lock_away(path: Path) -> None:
    """The log stays when another process closes the store, and all see what comes after."""
    with Store.open(path, write=True) as writer:
        add(writer)
        with Store.open(path) as other:
            assert other.verify() == []
        assert counted(path) == 13
        assert "toy.rms-wal" in names(path)
        add(writer)
        assert counted(path) == 14


def test_where_there_is_little_room_no_log_is_begun(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk could not even hold the index of the log, without which nothing is read."""
    usage = shutil.disk_usage(path.parent)._replace(free=wal.MIN_FREE_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with Store.open(path, write=True) as store:
        add(store)
        assert names(path) == ["toy.rms"]
        assert store.count_entries() == 13

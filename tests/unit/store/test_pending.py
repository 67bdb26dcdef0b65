"""Entries added a few at a time: searched at once, without cluster or index, and settled later."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import apsw
import numpy as np
import pytest

from rm_local.errors import CorruptStoreError
from rm_local.records import Entry
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import DamagedError, EmbedderId
from rm_local.store.index import pending
from rm_local.store.maintain.assign_clusters import AssignAndIndexPendingTask
from rm_local.store.maintain.maintainer import Maintainer
from rm_local.store.repair.repair import repair_store
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.rewrite.compact import compact_store
from rm_local.store.rewrite.merge import merge_stores_and_count_omitted
from rm_local.store.rewrite.store_source import StoreEntrySource
from rm_local.store.sqlite.reader_pool import ReaderPool, read_transaction
from rm_local.store.store import Store
from tests.support.maintenance import QUERIES, value, worked
from tests.support.stores import MadeSource, entries, vectors

ROOT = Path(__file__).resolve().parents[3]
ROWS = 2500
MADE = EmbedderId("made", 64, "0" * 64)
NEW = Entry("How to find the glimsy of a frob?", "I should look below it.", "new", "test/new")
UNITS = vectors(400, dimension=64, seed=9)
FRESH_IDS = "SELECT id FROM fresh ORDER BY id"

KILLED = """
import sys
from rm_local.store.index import pending
from rm_local.store.store import Store
from tests.support.faults.cut import kill_after
from tests.support.stores import entries, vectors

pending.MAX_PENDING = 5
kill_after(pending, "assign_and_index_oldest_pending")
unit = vectors(9, dimension=64)
with Store.open(sys.argv[1], write=True) as store:
    for place, entry in enumerate(entries(9)):
        print(*store.add_entries([entry], unit[place : place + 1]), flush=True)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bulk build with ten clusters, whose bits a search asks."""
    path = tmp_path_factory.mktemp("fresh") / "made.rms"
    build_store(path, MadeSource(ROWS), embedder=MADE, clusters=10)
    return path


@pytest.fixture(params=["clusters", "grown", "small"])
def path(tmp_path: Path, request: pytest.FixtureRequest, built: Path) -> Path:
    """A bulk build, a store of as many entries without clusters, and one too small for bits."""
    path = tmp_path / "made.rms"
    if request.param == "clusters":
        shutil.copy(built, path)
        return path
    source = MadeSource(ROWS if request.param == "grown" else 60)
    with Store.create(path, embedder=MADE) as store:
        store.add_entries(source.entries, source.vectors)
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """It, open for adding."""
    with Store.open(path, write=True) as opened:
        yield opened


def add_singly(store: Store, count: int, first: int = 0) -> list[int]:
    """Ids of `count` entries, each added by itself with a vector of `UNITS`."""
    new = entries(first + count)[first:]
    return [
        store.add_entries([entry], UNITS[place : place + 1])[0]
        for place, entry in enumerate(new, first)
    ]


def fresh_ids(store: Store) -> list[int]:
    """Ids of those that are fresh."""
    with store.borrow_connection() as connection:
        return [row[0] for row in connection.execute(FRESH_IDS)]


def nearest(store: Store) -> list[list[tuple[int, float, float]]]:
    """What exact searches find, plain, narrowed and with a rare word."""
    return [
        [
            (hit.entry.id, round(hit.similarity, 5), round(hit.lexical, 5))
            for hit in store.search(
                SearchRequest(query, text, k=20, breadth=100, filter=EntryFilter(domain=domain))
            )
        ]
        for query in (*QUERIES, *UNITS[:5])
        for text, domain in (("", None), ("the zorb17", None), ("", "math"))
    ]


def test_it_has_no_cluster_and_is_found_at_once(store: Store) -> None:
    """By its vector, narrowed, by its rare word, and in another opening of the store."""
    (id,) = store.add_entries([NEW], UNITS[:1])
    assert fresh_ids(store) == [id]
    with store.borrow_connection() as connection:
        assert not connection.execute("SELECT count(*) FROM code WHERE id = ?", (id,)).get
    with Store.open(store.read_info().path) as other:
        for each in (store, other):
            assert each.search(SearchRequest(UNITS[0], k=1))[0].entry.id == id
            assert [
                hit.entry.id
                for hit in each.search(SearchRequest(UNITS[0], filter=EntryFilter(domain="new")))
            ] == [id]
            assert id not in [
                hit.entry.id
                for hit in each.search(SearchRequest(UNITS[0], filter=EntryFilter(domain="math")))
            ]
            by_word = each.search(SearchRequest(UNITS[0], "which Glimsy?", k=1))
            assert [(hit.entry.id, hit.lexical) for hit in by_word] == [(id, 1)]
            assert each.verify() == []


def test_words_beyond_ascii_are_found_as_in_the_index(store: Store) -> None:
    """They are split and folded as the index does, and no part of a word is one."""
    for name in ("Ünzelfrob", "Ünzelfrobs", "İlgenspro"):
        store.add_entries([Entry(f"How to find the {name}?", "I look.")], UNITS[:1])
    found = fresh_ids(store)
    asked = ["the unzelfrob", "an Ünzelfrobs", "what İlgenspro is"]
    before = [store.search(SearchRequest(UNITS[0], text, k=3)) for text in asked]
    assert [hits[0].entry.id for hits in before] == found
    assert [[hit.lexical for hit in hits] for hits in before] == [[1, 0, 0]] * 3
    assert store.verify() == []
    list(worked(store.read_info().path, AssignAndIndexPendingTask))
    assert fresh_ids(store) == []
    assert [store.search(SearchRequest(UNITS[0], text, k=3)) for text in asked] == before
    assert store.verify() == []


def test_holders_in_both_places_count_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that as many fresh and settled entries hold as are too many is no rare word."""
    monkeypatch.setattr("rm_local.store.index.rare_words.RARE_ROWS", 6)
    monkeypatch.setattr("rm_local.store.index.rare_words.RARE_SHARE", ROWS * 10)
    for place in range(6):
        if place == 3:
            list(worked(store.read_info().path, AssignAndIndexPendingTask))
        store.add_entries([NEW], UNITS[:1])
    hits = store.search(SearchRequest(UNITS[0], "the glimsy", k=6))
    assert [hit.lexical for hit in hits] == [hits[0].lexical] * 6
    assert 0 < hits[0].lexical < 1
    store.add_entries([NEW], UNITS[:1])
    assert store.search(SearchRequest(UNITS[0], "the glimsy", k=1))[0].lexical == 0


def test_there_are_never_more_than_so_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are settled a few at a time; whatever it is, each is found."""
    monkeypatch.setattr(pending, "MAX_PENDING", 50)
    ids, counts = [], []
    for place in range(120):
        ids += add_singly(store, 1, place)
        counts.append(len(fresh_ids(store)))
    assert max(counts) == 50
    assert max(one - other + 1 for one, other in pairwise(counts)) == pending.MAX_PENDING_BATCH
    assert fresh_ids(store) == ids[-counts[-1] :]
    assert [store.search(SearchRequest(unit, k=1))[0].entry.id for unit in UNITS[:120]] == ids
    assert store.verify() == []


def test_many_at_once_get_clusters_at_once(store: Store) -> None:
    """As many as are few are fresh, one more and none of them is."""
    store.add_entries(
        entries(pending.MAX_PENDING_BATCH + 1), UNITS[: pending.MAX_PENDING_BATCH + 1]
    )
    assert fresh_ids(store) == []
    ids = store.add_entries(entries(pending.MAX_PENDING_BATCH), UNITS[: pending.MAX_PENDING_BATCH])
    assert fresh_ids(store) == ids
    assert store.verify() == []


def test_answers_stay_when_they_are_settled(path: Path) -> None:
    """By tidying, while the store is open; then nothing is fresh, and there is no more to do."""
    with Store.open(path, write=True) as store:
        ids = add_singly(store, 40)
        before, held = nearest(store), store.get(ids)
        report = Maintainer(path).run_tasks(600)
        assert report.done["fresh entries given clusters"] == 40
        assert report.left["fresh entries"] == 0
        assert fresh_ids(store) == []
        assert (nearest(store), store.get(ids)) == (before, held)
        assert store.verify() == []
        assert add_singly(store, 1) == [ids[-1] + 1]


def test_deleting_and_replacing_leave_no_trace(store: Store) -> None:
    """Nothing of it stays, no id is given again, and there is no tombstone."""
    ids = add_singly(store, 12)
    store.delete_entries([ids[2], ids[11]])
    new = store.replace_entry(ids[4], NEW, UNITS[50])
    left = [id for id in ids if id not in (ids[2], ids[4], ids[11])]
    assert new == ids[-1] + 1
    assert fresh_ids(store) == [*left, new]
    assert not {ids[2], ids[4], ids[11]} & {
        hit.entry.id for hit in store.search(SearchRequest(UNITS[4], k=99))
    }
    assert store.search(SearchRequest(UNITS[50], "glimsy", k=1))[0].entry.id == new
    with store.borrow_connection() as connection:
        assert connection.execute("SELECT count(*) FROM tomb").get == 0
    assert store.verify() == []


@pytest.mark.parametrize("bits", ["zeroblob(8)", "'spuk'", "7"])
def test_no_damage_is_hidden(path: Path, monkeypatch: pytest.MonkeyPatch, bits: str) -> None:
    """What is damaged is not settled: neither by tidying nor when there are too many."""
    with Store.open(path, write=True) as store:
        ids = add_singly(store, 5)
    with apsw.Connection(str(path)) as connection:
        connection.execute(f"UPDATE fresh SET bits = {bits} WHERE id = ?", (ids[2],))
    connection.close()
    with pytest.raises(DamagedError, match=f"entry {ids[2]}: its vector is damaged"):
        list(worked(path, AssignAndIndexPendingTask))
    monkeypatch.setattr(pending, "MAX_PENDING", 5)
    with Store.open(path, write=True) as store:
        with pytest.raises(CorruptStoreError, match="vector is damaged"):
            add_singly(store, 1)
        assert fresh_ids(store) == ids


def test_words_that_cannot_be_read_are_an_error(path: Path) -> None:
    """A damaged row is an error, and never another entry."""
    with Store.open(path, write=True) as store:
        store.add_entries([NEW], UNITS[:1])
    with apsw.Connection(str(path)) as connection:
        connection.execute("UPDATE fresh SET rare = rare || char(10) || 'and glimsy'")
    connection.close()
    with Store.open(path) as store:
        with pytest.raises(CorruptStoreError, match="words of pending entries"):
            store.search(SearchRequest(UNITS[0], "glimsy"))
        assert any("has other words" in each for each in store.verify())


def test_a_repair_keeps_what_is_whole(path: Path) -> None:
    """Bits, words and label are derived from code, text and checksum; none of it is fresh then."""
    with Store.open(path, write=True) as store:
        ids = add_singly(store, 12)
        texts, held = store.get(ids), store.read_vectors(ids)
    with apsw.Connection(str(path)) as connection:
        connection.execute("UPDATE fresh SET bits = zeroblob(8) WHERE id = ?", (ids[0],))
        connection.execute("UPDATE fresh SET rare = 'spuk' WHERE id = ?", (ids[1],))
        connection.execute("DELETE FROM fresh WHERE id = ?", (ids[2],))
        connection.execute("UPDATE ref SET label = 1 + label % 6 WHERE id = ?", (ids[3],))
    connection.close()
    repaired = repair_store(path)
    assert repaired is not None
    assert repaired.lost == []
    assert "Bits of 2 entries were derived from their codes." in repaired.mended
    with Store.open(path) as store:
        assert fresh_ids(store) == []
        assert store.get(ids) == texts
        assert (store.read_vectors(ids) == held).all()
        assert store.verify() == []


def test_a_repair_gives_no_id_again(path: Path) -> None:
    """Though `last` is damaged, and the last entry was deleted while it was fresh."""
    with Store.open(path, write=True) as store:
        ids = add_singly(store, 3)
        store.delete_entries(ids[1:])
    with apsw.Connection(str(path)) as connection:
        connection.execute("UPDATE meta SET value = 7 WHERE key = 'last'")
    connection.close()
    assert repair_store(path)
    with Store.open(path, write=True) as store:
        assert add_singly(store, 1) == [ids[-1] + 1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_in_the_middle_of_settling_keeps_what_was_committed(path: Path) -> None:
    """What was committed before is there and fresh, and nothing of the rest."""
    command = [sys.executable, "-c", KILLED, str(path)]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL
    added = [int(line) for line in done.stdout.split()]
    assert len(added) == 5
    with Store.open(path, write=True) as store:
        assert store.verify() == []
        assert fresh_ids(store) == added
        assert add_singly(store, 1) == [added[-1] + 1]


@pytest.mark.slow
def test_all_entries_are_read_in_bulk(path: Path, tmp_path: Path) -> None:
    """By what copies, merges and compacts a store, which then holds none that are fresh."""
    with Store.open(path, write=True) as store:
        ids = add_singly(store, 7)
        wanted = [str(entry) for entry in store.get(ids)]
    with StoreEntrySource.open(path) as held:
        found, rows = held.read_rows(np.arange(held.rows - 7, held.rows))
        before = held.fingerprint
    assert [entry.id for entry in found] == ids
    assert (rows @ UNITS[:7].T).argmax(axis=1).tolist() == list(range(7))
    list(worked(path, AssignAndIndexPendingTask))
    with StoreEntrySource.open(path) as held:
        assert held.fingerprint == before
    with Store.open(path, write=True) as store:
        add_singly(store, 1, 8)
        count = store.count_entries()
    assert (
        merge_stores_and_count_omitted([path], tmp_path / "merged.rms")
        + value(tmp_path / "merged.rms", "SELECT count(*) FROM ref")
        == count
    )
    compact_store(path)
    with Store.open(path) as store:
        assert (store.count_entries(), fresh_ids(store)) == (count, [])
        assert {text.rpartition(", id=")[0] for text in wanted} <= {
            str(entry).rpartition(", id=")[0] for entry in store.sample_entries(count, seed=0)
        }
        assert store.verify() == []


def test_a_second_reader_does_not_see_an_entry_twice(path: Path) -> None:
    """Where it begins after one was settled, the first does all of the work."""
    with Store.open(path, write=True) as writer:
        add_singly(writer, 3)
        first = apsw.Connection(str(path))
        readers = ReaderPool(first, path)
        with read_transaction(first):
            first.execute("SELECT * FROM ref").fetchall()
            readers.map_pieces(lambda *read: read, range(200), lambda found: found)
            list(worked(path, AssignAndIndexPendingTask))
            after = readers.map_pieces(lambda *read: read, range(200), lambda found: found)
        readers.close_second_connection()
        first.close()
    assert {connection for connection, _ in after} == {first}

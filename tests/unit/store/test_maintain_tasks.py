"""Each kind of tidying: answers stay, nothing is wrong afterwards, the store takes changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import apsw
import numpy as np
import pytest

from rm_local.store.format import DamagedError
from rm_local.store.maintain.assign_clusters import AssignAndIndexPendingTask
from rm_local.store.maintain.initial_clusters import InitialClustersTask
from rm_local.store.maintain.pack_texts import PackTextsTask
from rm_local.store.maintain.purge_deleted import PurgeDeletedBitsTask
from rm_local.store.maintain.recompress import RecompressTextsTask
from rm_local.store.maintain.split_clusters import SplitClustersTask
from rm_local.store.maintain.task import ConnectionWithCodecs, MaintenanceTask
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store
from tests.support.maintenance import (
    ADDED,
    BULK,
    EXACT,
    FRESH,
    MADE,
    answers,
    copied,
    grown_store,
    held,
    value,
    worked,
    worn_store,
)
from tests.support.stores import entries, topics, vectors

SMALL_SPLIT = partial(SplitClustersTask, largest=300)
FIRST = partial(InitialClustersTask, enough=1000)
KINDS: list[Callable[[ConnectionWithCodecs], MaintenanceTask]] = [
    AssignAndIndexPendingTask,
    PackTextsTask,
    SMALL_SPLIT,
    RecompressTextsTask,
    PurgeDeletedBitsTask,
]


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something to do for each kind of work."""
    return worn_store(tmp_path_factory.mktemp("worn") / "worn.rms")


@pytest.fixture
def path(tmp_path: Path, worn: Path) -> Path:
    """A copy of it."""
    return copied(worn, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_each_task_keeps_all_answers(
    path: Path, worn: Path, kind: Callable[[ConnectionWithCodecs], MaintenanceTask]
) -> None:
    """Something is done, entries, ids and what searches find are as before, all is well."""
    assert list(worked(path, kind))
    assert held(path) == held(worn)
    assert answers(path) == answers(worn)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tidied_store_takes_further_changes(
    path: Path, kind: Callable[[ConnectionWithCodecs], MaintenanceTask]
) -> None:
    """Entries of any age can be deleted and replaced, new ones are added and found."""
    list(worked(path, kind))
    new, vector = entries(300), topics(300, dimension=64, count=3, seed=8)
    with Store.open(path, write=True) as store:
        gone = [700, BULK, BULK + 2, BULK + 500, BULK + ADDED]
        store.delete_entries(gone)
        store.replace_entry(BULK + 3, new[0], vector[0])
        ids = store.add_entries(new, vector)
        assert ids[0] == BULK + ADDED + 2
        for place in range(0, 300, 37):
            assert store.search(SearchRequest(vector[place], k=1))[0].similarity > 0.99
        assert not {
            hit.entry.id for hit in store.search(SearchRequest(vector[0], k=100, breadth=9))
        } & {*gone}
    list(worked(path, kind))
    assert len(held(path)) == value(path, "SELECT count(*) FROM ref")


def test_folding_leaves_less_than_a_block(path: Path) -> None:
    """`bulk` ends with a block, and sqlite-vec's own list holds those beyond it."""
    list(worked(path, AssignAndIndexPendingTask))
    end = (BULK + ADDED) // 16 * 16
    assert (
        sum(each["entries put into blocks"] for each in worked(path, PackTextsTask)) == end - BULK
    )
    assert value(path, "SELECT value FROM meta WHERE key = 'bulk'") == end
    assert value(path, "SELECT count(*) FROM text") == BULK + ADDED - end
    assert value(path, "SELECT min(rowid) FROM code_rowids") == end + 1


def test_what_is_fresh_is_not_folded(path: Path) -> None:
    """`bulk` stays below the first entry that has no cluster yet."""
    end = (BULK + ADDED - FRESH) // 16 * 16
    assert (
        sum(each["entries put into blocks"] for each in worked(path, PackTextsTask)) == end - BULK
    )
    assert value(path, "SELECT min(id) FROM fresh") == BULK + ADDED - FRESH + 1 > end
    assert (
        sum(
            each["fresh entries given clusters"] for each in worked(path, AssignAndIndexPendingTask)
        )
        == FRESH
    )
    assert held(path)


def test_folding_hides_no_damage(path: Path) -> None:
    """A lost text stops it, and nothing was changed."""
    database = apsw.Connection(str(path))
    database.execute("DELETE FROM text WHERE id = ?", (BULK + 10,))
    database.close()
    with pytest.raises(DamagedError, match="do not agree"):
        list(worked(path, PackTextsTask))
    assert value(path, "SELECT value FROM meta WHERE key = 'bulk'") == BULK


def test_split_clusters_are_small(path: Path) -> None:
    """None is too large, centres are as many as clusters, and deleted rows' bits are gone."""
    before = value(path, "SELECT sum(length(v)) / 128 FROM centroid")
    added = sum(each["clusters parted"] for each in worked(path, SMALL_SPLIT))
    with Store.open(path) as store:
        assert store.read_info().clusters == before + added
    assert value(path, "SELECT value FROM meta WHERE key = 'generation'") == added
    assert value(path, "SELECT 1 + max(partition00) FROM code_chunks") == before + added


def test_a_split_store_is_searched_as_well(path: Path, worn: Path) -> None:
    """At its own effort, a search by clusters finds 95 % of the exact ten."""
    list(worked(path, SMALL_SPLIT))
    found = 0
    with Store.open(path) as store:
        for query in topics(40, dimension=64, count=3, seed=3):
            exact = {hit.entry.id for hit in store.search(SearchRequest(query, breadth=EXACT))}
            found += len(exact & {hit.entry.id for hit in store.search(SearchRequest(query))})
    assert found / 400 >= 0.95


def test_splitting_hides_no_damage(path: Path) -> None:
    """A row whose checksum is wrong is not given a new one."""
    database = apsw.Connection(str(path))
    database.execute("UPDATE ref SET crc = crc + 1 WHERE id > ?", (BULK,))
    database.close()
    with pytest.raises(DamagedError, match="its vector is damaged"):
        list(worked(path, SMALL_SPLIT))


def test_a_cluster_of_equal_rows_is_not_split(tmp_path: Path) -> None:
    """Equal rows stay together, and no time is lost on them again."""
    path = grown_store(tmp_path / "grown.rms")
    list(worked(path, FIRST))
    with Store.open(path, write=True) as store:
        store.add_entries(entries(600), np.repeat(vectors(1, dimension=64), 600, axis=0))
    done = list(worked(path, partial(SplitClustersTask, largest=500)))
    assert sum(each["clusters left whole"] for each in done) <= 1
    assert len(held(path)) == 3570


def test_deleted_bits_are_cleared(path: Path) -> None:
    """All of them, also where a chunk has others, and chunks that had no others are gone."""
    (done,) = worked(path, PurgeDeletedBitsTask)
    assert done["deleted entries' bits cleared"] == 602
    assert done["empty chunks removed"] >= 1
    assert list(worked(path, PurgeDeletedBitsTask)) == []
    with Store.open(path, write=True) as store:
        store.delete_entries([1000])
    assert [
        each["deleted entries' bits cleared"] for each in worked(path, PurgeDeletedBitsTask)
    ] == [1]


def test_purging_continues_where_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps of few chunks, from one process to the next, what is folded meanwhile counts."""
    monkeypatch.setattr("rm_local.store.maintain.purge_deleted.READ_CHUNKS", 4)
    first = next(worked(path, PurgeDeletedBitsTask))
    assert list(worked(path, PackTextsTask))
    done = [first, *worked(path, PurgeDeletedBitsTask)]
    assert sum(each["deleted entries' bits cleared"] for each in done) == 602
    assert held(path)


def test_packing_again_is_done_once(path: Path) -> None:
    """The texts take less, and a second time nothing is left to do."""
    before = value(path, "SELECT sum(length(z)) FROM block")
    saved = sum(each["bytes of texts saved"] for each in worked(path, RecompressTextsTask))
    assert value(path, "SELECT sum(length(z)) FROM block") == before - saved < before
    assert list(worked(path, RecompressTextsTask)) == []


def test_a_grown_store_gets_its_first_clusters(tmp_path: Path) -> None:
    """A grown store is given them; entries and exact answers stay, edits and additions work."""
    path = grown_store(tmp_path / "grown.rms")
    entries_before, answers_before = held(path), answers(path)
    assert list(worked(path, FIRST)) == [{"entries given clusters": 2970}]
    assert (held(path), answers(path)) == (entries_before, answers_before)
    with Store.open(path, write=True) as store:
        assert store.read_info().clusters == store.read_info().probes > 1
        store.delete_entries([1, 3000])
        (id,) = store.add_entries(entries(1), vectors(1, dimension=64))
        assert store.search(SearchRequest(vectors(1, dimension=64)[0], k=1))[0].entry.id == id
    assert len(held(path)) == 2969


def test_stores_too_small_or_too_large_get_no_clusters(tmp_path: Path) -> None:
    """Nothing is done; the large one says so."""
    path = grown_store(tmp_path / "grown.rms", 100)
    assert list(worked(path, FIRST)) == []
    with apsw.Connection(str(path)) as connection:
        few = InitialClustersTask(
            ConnectionWithCodecs.from_connection(connection), enough=10, most=50
        )
        assert few.has_too_many_entries
        assert few.run_step(0) == {}


def test_an_empty_store_needs_no_task(tmp_path: Path) -> None:
    """There is nothing to do."""
    Store.create(tmp_path / "empty.rms", embedder=MADE).close()
    kinds: list[Callable[[ConnectionWithCodecs], MaintenanceTask]] = [*KINDS, FIRST]
    for kind in kinds:
        assert list(worked(tmp_path / "empty.rms", kind)) == []

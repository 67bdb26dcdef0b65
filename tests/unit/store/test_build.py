"""The bulk build: the same answers as adding, in bounded steps, from any kind of source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import numpy as np
import pytest

from rm_local.errors import CorruptStoreError, StoreError
from rm_local.progress import Progress
from rm_local.records import Hit
from rm_local.store.build import assign
from rm_local.store.build.pack import PackedClusterGroup
from rm_local.store.build.pipeline import build_store
from rm_local.store.build.source import EntryBatch
from rm_local.store.build.write import ClusterGroupWriter
from rm_local.store.format import EmbedderId
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.sqlite import connection as sqlite, tables as rows
from rm_local.store.store import Store
from rm_local.work_folder import make_or_reuse_work_folder
from tests.support.stores import MadeSource, vectors

ROWS = 6000
MADE = EmbedderId("made", 64, "0" * 64)


@pytest.fixture(scope="module")
def source() -> MadeSource:
    """Six thousand rows around sixty topics."""
    return MadeSource(ROWS)


@pytest.fixture(scope="module")
def reports(source: MadeSource, tmp_path_factory: pytest.TempPathFactory) -> list[Progress]:
    """All that a build reports."""
    seen: list[Progress] = []
    out = tmp_path_factory.mktemp("reports") / "s.rms"
    build_store(out, source, embedder=MADE, report=seen.append)
    return seen


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, source: MadeSource) -> Path:
    """A store of them in about thirty clusters, written in three groups."""
    path = tmp_path_factory.mktemp("bulk") / "made.rms"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assign, "GROUP_ROWS", ROWS // 3)
        patch.setattr(assign, "CHECKPOINT_ROWS", 1100)
        build_store(path, source, embedder=MADE, clusters=30)
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """That store, open for reading."""
    with Store.open(path, embedder=MADE) as opened:
        yield opened


def test_every_entry_comes_back_once(store: Store, source: MadeSource) -> None:
    """Ids go from 1 on; texts, domains and sources are those put in, and no other file is left."""
    held = store.get(range(1, ROWS + 1))
    assert sorted((e.subproblem, e.subroutine, e.domain, e.source) for e in held) == sorted(
        (e.subproblem, e.subroutine, e.domain, e.source) for e in source.entries
    )
    assert [path.name for path in store.read_info().path.parent.iterdir()] == ["made.rms"]


def test_vectors_belong_to_their_texts(store: Store, source: MadeSource) -> None:
    """An entry's vector is that of its row in the source, in the codes' precision."""
    place = {entry.subproblem: row for row, entry in enumerate(source.entries)}
    ids = range(1, ROWS + 1, 7)
    wanted = source.vectors[[place[entry.subproblem] for entry in store.get(ids)]]
    assert np.abs(store.read_vectors(ids) - wanted).max() < 0.01


def test_entries_are_stored_in_the_order_of_their_clusters(path: Path) -> None:
    """Chunk after chunk, clusters ascend, and with them the ids."""
    with sqlite.open_connection_close_on_error(path, "read") as connection:
        chunks: list[tuple[Any, ...]] = connection.execute(
            "SELECT partition00, validity, rowids FROM code_chunks ORDER BY chunk_id"
        ).fetchall()
    connection.close()
    clusters = [chunk[0] for chunk in chunks]
    assert clusters == sorted(clusters)
    assert len(set(clusters)) > 20
    ids = [np.frombuffer(chunk[2], "<i8")[: bin_count(chunk[1])] for chunk in chunks]
    assert np.concatenate(ids).tolist() == list(range(1, ROWS + 1))


def bin_count(validity: bytes) -> int:
    """Bits that are set."""
    return int.from_bytes(validity, "little").bit_count()


def test_direct_writes_answer_like_inserts(path: Path, tmp_path: Path, source: MadeSource) -> None:
    """sqlite-vec gives the same rows at the same distances from a table that it filled itself."""
    inserted = apsw.Connection(str(tmp_path / "inserted.db"))
    with sqlite.open_connection_close_on_error(path, "read") as direct:
        inserted.enable_load_extension(True)
        inserted.load_extension(__import__("sqlite_vec").loadable_path())
        ((sql,),) = direct.execute("SELECT sql FROM sqlite_master WHERE name = 'code'")
        inserted.execute(sql)
        with inserted:
            for cluster, label, id, bits in held_codes(direct):
                inserted.execute(
                    "INSERT INTO code(id, cid, label, e) VALUES(?, ?, ?, vec_bit(?))",
                    (id, cluster, label, bits),
                )
        queries = [np.packbits(row > 0, bitorder="little").tobytes() for row in source.vectors[:20]]
        for extra in ("", " AND cid IN (1, 5, 6)", " AND label IN (1, 4)", " AND distance < 20"):
            for query in queries:
                one, other = (
                    sorted(
                        connection.execute(
                            "SELECT distance, id FROM code WHERE e MATCH vec_bit(?) AND k = 4000"
                            + extra,
                            (query,),
                        )
                    )
                    for connection in (direct, inserted)
                )
                assert [row[0] for row in one] == [row[0] for row in other]
                assert one[:200] == other[:200]
    direct.close()
    inserted.close()


def held_codes(connection: apsw.Connection) -> Iterator[tuple[int, int, int, bytes]]:
    """Cluster, label, id and bits of every row, from sqlite-vec's own tables."""
    for cluster, validity, ids, labels, bits in connection.execute(
        "SELECT partition00, validity, rowids, data, vectors FROM code_chunks"
        " JOIN code_metadatachunks00 AS m ON m.rowid = chunk_id"
        " JOIN code_vector_chunks00 AS v ON v.rowid = chunk_id"
    ):
        used = bin_count(validity)
        ids, labels = np.frombuffer(ids, "<i8"), np.frombuffer(labels, "<i8")
        for place in range(used):
            yield cluster, int(labels[place]), int(ids[place]), bits[place * 8 : place * 8 + 8]


def test_a_search_finds_what_an_exact_one_finds(store: Store, source: MadeSource) -> None:
    """Of the exact ten nearest, at least 95 % are found at the store's own effort."""
    queries = vectors(60, dimension=64, seed=5) * 0.3 + source.vectors[:60]
    place = {entry.subproblem: row for row, entry in enumerate(source.entries)}
    found = 0
    for query in queries:
        exact = set(np.argsort(-(source.vectors @ query))[:10].tolist())
        found += len(
            exact & {place[hit.entry.subproblem] for hit in store.search(SearchRequest(query))}
        )
    assert found / (10 * len(queries)) >= 0.95


def test_a_search_of_clusters_can_be_narrowed(store: Store, source: MadeSource) -> None:
    """Only entries of the domain and source are hits, and as many as asked for."""
    hits = store.search(
        SearchRequest(source.vectors[0], k=20, filter=EntryFilter(domain="code", source="test/2"))
    )
    assert len(hits) == 20
    assert {(hit.entry.domain, hit.entry.source) for hit in hits} == {("code", "test/2")}


def test_a_rare_word_finds_its_entry(store: Store) -> None:
    """Wherever its vector is stored."""
    hits = store.search(SearchRequest(vectors(1, dimension=64)[0], "what is the zorb4711", k=300))
    assert any(hit.entry.subproblem.startswith("How to find the zorb4711 ") for hit in hits)


@pytest.mark.parametrize("count", [1, 15, 17, 300])
def test_small_sources_are_built_too(tmp_path: Path, count: int) -> None:
    """The same build takes a few rows, with one cluster and without a dictionary."""
    small = MadeSource(count)
    build_store(tmp_path / "small.rms", small, embedder=MADE)
    with Store.open(tmp_path / "small.rms") as store:
        assert store.count_entries() == count
        assert store.search(SearchRequest(small.vectors[0], k=1))[0].similarity > 0.99


def test_progress_reports_stage_rows_and_time_left(tmp_path: Path) -> None:
    """Stages come in order, each ends with all its rows and no time left."""
    reports: list[Progress] = []
    build_store(tmp_path / "made.rms", MadeSource(1000), embedder=MADE, report=reports.append)
    assert list(dict.fromkeys(p.stage for p in reports)) == [
        "sample",
        "train",
        "spill",
        "write",
        "finish",
        "calibrate",
    ]
    ends = {progress.stage: progress for progress in reports}
    for stage in ("spill", "write", "finish"):
        assert (ends[stage].done, ends[stage].total, ends[stage].seconds_left) == (1000, 1000, 0)


@pytest.mark.parametrize("stage", ["sample", "train", "spill", "write", "finish", "calibrate"])
def test_every_stage_ends_with_all_of_its_rows(reports: list[Progress], stage: str) -> None:
    """So it has a time left while it runs: the number of rows done grows to the total."""
    done = [each.done for each in reports if each.stage == stage]

    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, ROWS)
    assert all(each.total == ROWS for each in reports)


def test_too_little_room_is_reported_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names what is needed and what is there."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(StoreError, match=r"needs \d+\.\d MB .* 1\.0 MB are free"):
        build_store(tmp_path / "made.rms", MadeSource(1000), embedder=MADE)
    assert not (tmp_path / "made.rms").exists()


def test_an_existing_file_is_not_built_over(path: Path, source: MadeSource) -> None:
    """It is refused and left as it is."""
    before = path.stat().st_mtime_ns
    with pytest.raises(StoreError, match="exists already"):
        build_store(path, source, embedder=MADE)
    assert path.stat().st_mtime_ns == before


def test_the_folder_of_another_build_is_refused(tmp_path: Path) -> None:
    """What was begun with other rows is refused, and kept."""
    folder = tmp_path / "made.rms.build"
    make_or_reuse_work_folder(folder)
    (folder / "plan.json").write_text("{}")
    with pytest.raises(StoreError, match="build of another store"):
        build_store(tmp_path / "made.rms", MadeSource(100), embedder=MADE)
    assert folder.exists()


def test_a_source_with_a_wrong_count_of_rows_is_an_error(tmp_path: Path) -> None:
    """Fewer rows than it says are an error, and no store is made."""

    class Short(MadeSource):
        def read_block(self, number: int) -> EntryBatch:
            return ([], self.vectors[:0]) if number == 2 else super().read_block(number)

    with pytest.raises(StoreError, match="Block 2 of the source has 0 rows, not 200"):
        build_store(tmp_path / "made.rms", Short(1200), embedder=MADE)
    assert not (tmp_path / "made.rms").exists()


def test_the_count_of_the_file_is_that_of_its_rows(path: Path) -> None:
    """`meta` says how many entries there are, and that all are of the bulk build."""
    with sqlite.open_connection_close_on_error(path, "read") as connection:
        assert rows.count_entries(connection) == rows.read_last_given_id(connection) == ROWS
        values = dict(connection.execute("SELECT key, value FROM meta WHERE key <> 'rotation'"))
        assert values["bulk"] == ROWS
        assert "groups" not in values
    connection.close()


@pytest.mark.slow
def test_several_processes_make_the_same_store(
    tmp_path: Path, store: Store, source: MadeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, texts and vectors do not depend on how many cores there are."""
    monkeypatch.setattr("rm_local.store.build.pipeline.ROWS_FOR_A_PROCESS", 1000)
    monkeypatch.setattr("rm_local.store.build.pipeline.count_usable_processors", lambda: 3)
    path = tmp_path / "made.rms"
    build_store(path, source, embedder=MADE, clusters=30)
    ids = range(1, ROWS + 1)
    with Store.open(path) as other:
        assert other.get(ids) == store.get(ids)
        assert np.array_equal(other.read_vectors(ids), store.read_vectors(ids))


@pytest.mark.slow
def test_a_rare_name_is_found_in_far_clusters(tmp_path: Path) -> None:
    """A search narrowed to a name that few rows have asks on until it has enough of them."""

    class Rare(MadeSource):
        def read_block(self, number: int) -> EntryBatch:
            made, found = super().read_block(number)
            return [replace(e, domain="rare") if e in made[:5] else e for e in made], found

    path = tmp_path / "made.rms"
    build_store(path, Rare(ROWS), embedder=MADE, clusters=30)
    with Store.open(path) as store:
        hits = store.search(
            SearchRequest(vectors(1, dimension=64)[0], k=20, filter=EntryFilter(domain="rare"))
        )
    assert {hit.entry.domain for hit in hits} == {"rare"}
    assert len(hits) == 20


def test_hits_that_repeat_better_ones_give_way(store: Store) -> None:
    """As many hits, the best of them first, less alike than without."""
    query = store.read_vectors([7])[0]
    usual = store.search(SearchRequest(query))
    diverse = store.search(SearchRequest(query, pool=40, diversity=0.3))
    assert len(diverse) == len(usual) == 10
    assert diverse[0] == usual[0]

    def likeness(hits: list[Hit]) -> float:
        rows = store.read_vectors([hit.entry.id for hit in hits])
        return float((rows @ rows.T).sum())

    assert likeness(diverse) < likeness(usual)


def test_what_was_not_written_whole_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group is read back; if the file has something else, no store is made of it."""

    def lossy(self: ClusterGroupWriter, group: PackedClusterGroup) -> None:
        write(self, group)
        self._connection.execute("UPDATE ref SET crc = crc + 1 WHERE id = 100")

    write = ClusterGroupWriter.write_group
    monkeypatch.setattr(ClusterGroupWriter, "write_group", lossy)
    with pytest.raises(CorruptStoreError, match="entries 1 to 300 were not written completely"):
        build_store(tmp_path / "made.rms", MadeSource(300), embedder=MADE)
    assert not (tmp_path / "made.rms").exists()

"""Damage anywhere in a store is found, and a store that is well is said to be."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import pytest

from rm_local.errors import StoreError
from rm_local.progress import Progress
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import CHUNK_SIZE, EmbedderId
from rm_local.store.maintain.assign_clusters import AssignAndIndexPendingTask
from rm_local.store.store import Store
from tests.support.maintenance import worked
from tests.support.stores import MadeSource, entries, vectors

MADE = EmbedderId("made", 64, "0" * 64)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bulk build with entries added, deleted and replaced since; entry 1521 is fresh."""
    path = tmp_path_factory.mktemp("verify") / "made.rms"
    build_store(path, MadeSource(1500), embedder=MADE, clusters=6)
    with Store.open(path, write=True) as store:
        store.add_entries(entries(20), vectors(20, dimension=64, seed=3))
    assert list(worked(path, AssignAndIndexPendingTask))
    with Store.open(path, write=True) as store:
        store.delete_entries([5, 6, 1503])
        store.replace_entry(40, entries(1)[0], vectors(1, dimension=64)[0])
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, built: bytes) -> Path:
    """A copy of it."""
    path = tmp_path / "made.rms"
    path.write_bytes(built)
    return path


def found(path: Path) -> list[str]:
    """What `verify` says, or why the store cannot be opened."""
    try:
        with Store.open(path) as store:
            return store.verify()
    except StoreError as error:
        return [str(error)]


def test_an_intact_store_has_no_faults(path: Path) -> None:
    """Nothing is found after a bulk build, additions, deletions and replacements."""
    assert found(path) == []


DAMAGES = [
    ("UPDATE ref SET v = zeroblob(64) WHERE id = 700", "Entry 700: its vector is damaged"),
    ("UPDATE ref SET label = 1 + label % 6 WHERE id = 9", "Entry 9: its bits or label are damaged"),
    ("UPDATE ref SET label = 77 WHERE id = 9", "Entry 9: its label is missing"),
    ("DELETE FROM ref WHERE id = 700", "1,516 entries, but there should be 1,517"),
    ("DELETE FROM ref WHERE id = 700", "Entry 700 has a text and no vector"),
    ("DELETE FROM block WHERE blk = 3", "Entry 49 has no text"),
    ("UPDATE block SET blk = 1000 WHERE blk = 3", "Entry 49 has no text"),
    ("UPDATE block SET z = (SELECT z FROM block WHERE blk = 2) WHERE blk = 3", "other words"),
    ("DELETE FROM text WHERE id = 1510", "Entry 1510 has no text"),
    ("UPDATE text SET z = zeroblob(90) WHERE id = 1510", "Entry 1510: "),
    ("UPDATE text SET id = 1503 WHERE id = 1510", "Entry 1503 has a text and no vector"),
    ("DELETE FROM tomb WHERE id = 5", "deleted entries"),
    ("UPDATE text SET z = CAST(z AS TEXT) WHERE id = 1510", "A text cannot be read"),
    ("UPDATE tomb SET id = 7 WHERE id = 5", "deleted entries that exist"),
    ("DELETE FROM words WHERE rowid = 12", "word index has other words"),
    ("INSERT INTO words(rowid, rare) VALUES(5, 'spuk')", "Entry 5: the word index has words"),
    (
        "DELETE FROM words WHERE rowid = 12; INSERT INTO words(rowid, rare) VALUES(12, 'spuk')",
        "word index has other words",
    ),
    ("UPDATE words_docsize SET sz = x'05' WHERE id = 12", "Entry 12: the word index counts"),
    ("UPDATE meta SET value = 3 WHERE key = 'probes'", "'probes' is damaged"),
    ("UPDATE meta SET value = 1600 WHERE key = 'last'", "'last' is damaged"),
    ("DELETE FROM meta WHERE key = 'known_words'", "'known_words' is missing"),
    ("UPDATE meta SET value = zeroblob(256) WHERE key = 'mean'", "'mean' is damaged"),
    ("UPDATE centroid SET v = zeroblob(length(v)) WHERE blk = 1", "centroid block 1 is damaged"),
    ("DELETE FROM centroid WHERE blk = 1", "centroids are missing"),
    ("UPDATE zdict SET d = zeroblob(length(d)) WHERE id = 2", "dictionary 2 is missing or damaged"),
    ("DELETE FROM zdict WHERE id = 1", "dictionary 1 is missing or damaged"),
    ("UPDATE label SET source = 'elsewhere' WHERE id = 2", "Label 2 is not as it was"),
    ("UPDATE code_chunks SET partition00 = 5 WHERE chunk_id = 1", "bits or label are damaged"),
    ("UPDATE code_chunks SET validity = zeroblob(32) WHERE chunk_id = 1", "has no bits"),
    (
        "UPDATE code_chunks SET validity = x'" + "FF" * (CHUNK_SIZE // 8) + "' WHERE chunk_id = 2",
        "bits of entry 0, which does not exist",
    ),
    ("UPDATE code_chunks SET size = 128 WHERE chunk_id = 1", "chunk, 1, that cannot be read"),
    ("DELETE FROM code_vector_chunks00 WHERE rowid = 2", "chunk, 2, that cannot be read"),
    (
        "INSERT INTO code_chunks SELECT 99, size, NULL, partition00, validity, rowids"
        " FROM code_chunks WHERE chunk_id = 1;"
        "INSERT INTO code_vector_chunks00(_rowid_, rowid, vectors)"
        " SELECT 99, 99, vectors FROM code_vector_chunks00 WHERE rowid = 1;"
        "INSERT INTO code_metadatachunks00(_rowid_, rowid, data)"
        " SELECT 99, 99, data FROM code_metadatachunks00 WHERE rowid = 1",
        "its vector is stored twice",
    ),
    (
        "UPDATE code_rowids SET chunk_offset = 9 WHERE rowid = 1510",
        "Entry 1510: sqlite-vec does not find its bits",
    ),
    ("DELETE FROM code_rowids WHERE rowid = 1510", "places of rows added since"),
    ("DELETE FROM fresh WHERE id = 1521", "Entry 1521 has no bits"),
    ("DELETE FROM fresh WHERE id = 1521", "places of rows added since"),
    ("UPDATE fresh SET bits = zeroblob(8) WHERE id = 1521", "Entry 1521: its bits or label are"),
    ("UPDATE fresh SET bits = zeroblob(9) WHERE id = 1521", "Entry 1521: its pending bits cannot"),
    ("UPDATE fresh SET rare = 'spuk' WHERE id = 1521", "Entry 1521: its pending row has other"),
    ("UPDATE fresh SET id = 1600 WHERE id = 1521", "pending bits of entry 1600, which does not"),
    ("UPDATE ref SET label = 1 + label % 6 WHERE id = 1521", "1521: its bits or label are damaged"),
    ("INSERT INTO fresh SELECT 1510, bits, rare FROM fresh", "Entry 1510: its vector is stored tw"),
    ("INSERT INTO fresh SELECT 1503, bits, rare FROM fresh", "pending bits of entry 1503, which"),
    ("INSERT INTO words(rowid, rare) VALUES(1521, 'zorb0')", "Entry 1521: the word index counts"),
    ("UPDATE code_info SET value = 'v0.0.1' WHERE key = 'CREATE_VERSION'", "sqlite-vec's version"),
    ("CREATE TABLE stranger(a)", "table stranger of stranger is missing, or does not"),
    ("DROP INDEX code_part", "index code_part of code_chunks is missing"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_what_is_damaged_is_named(path: Path, damage: str, said: str) -> None:
    """Each kind of damage is a sentence of its own."""
    database = apsw.Connection(str(path))
    database.execute(damage)
    database.close()
    assert any(said in each for each in found(path))


@pytest.mark.slow
def test_a_changed_byte_never_gives_a_wrong_entry_unseen(path: Path, built: bytes) -> None:
    """With one byte changed anywhere, all entries and vectors are as they were, or it is found."""
    rng = random.Random(0)
    with Store.open(path) as store:
        ids = [id for id in range(1, 1522) if id not in (5, 6, 40, 1503)]
        texts, rows = store.get(ids), store.read_vectors(ids)
    for place in rng.sample(range(len(built)), 30):
        data = bytearray(built)
        data[place] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        if not found(path):
            with Store.open(path) as store:
                assert store.get(ids) == texts
                assert (store.read_vectors(ids) == rows).all()


@pytest.mark.parametrize(("place", "value"), [(19, 2), (21, 60), (47, 3), (67, 1), (80, 1)])
def test_fixed_fields_of_the_header_are_compared(path: Path, place: int, value: int) -> None:
    """What is the same in each store's header is compared, though SQLite may not mind it."""
    data = bytearray(path.read_bytes())
    data[place] = value
    path.write_bytes(data)
    assert found(path)


def test_progress_is_reported_for_each_stage(path: Path) -> None:
    """Stages come in order, and each is reported to its end."""
    seen: list[Progress] = []
    with Store.open(path) as store:
        assert store.verify(seen.append) == []
    assert list(dict.fromkeys(now.stage for now in seen)) == ["pages", "texts", "vectors"]
    last = [now for now in seen if now.stage == "texts"][-1]
    assert (last.done, last.total) == (1521, 1521)


def test_others_can_write_meanwhile(path: Path) -> None:
    """A writer adds and deletes between two steps, and no fault is seen in it."""
    with Store.open(path, write=True) as writer, Store.open(path) as reader:

        def write(progress: Progress) -> None:
            if (progress.stage, progress.done) == (
                "texts",
                1521,
            ) and writer.count_entries() == 1517:
                writer.add_entries(entries(300), vectors(300, dimension=64, seed=8))
                writer.delete_entries([7, 1510])

        assert reader.verify(write) == []
        assert writer.count_entries() == 1815


def test_many_faults_are_cut_short(path: Path) -> None:
    """A store with damage everywhere is reported in a hundred sentences."""
    database = apsw.Connection(str(path))
    database.execute("UPDATE ref SET crc = 0")
    database.close()
    assert len(said := found(path)) == 101
    assert said[-1] == "More faults were found."

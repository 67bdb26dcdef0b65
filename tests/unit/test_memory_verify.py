"""Damage anywhere in a store is found, and a store that is well is said to be."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import pytest

from rm_local.errors import StoreError
from rm_local.memory.bulk.build import build
from rm_local.memory.format import EmbedderId
from rm_local.memory.store import Store
from tests.stores import MadeSource, entries, vectors

MADE = EmbedderId("made", 64, "0" * 64)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bulk build with entries added, deleted and replaced since."""
    path = tmp_path_factory.mktemp("verify") / "made.rms"
    build(path, MadeSource(1500), embedder=MADE, clusters=6)
    with Store.open(path, write=True) as store:
        store.add(entries(20), vectors(20, dimension=64, seed=3))
        store.delete([5, 6, 1503])
        store.replace(40, entries(1)[0], vectors(1, dimension=64)[0])
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


def test_a_store_that_is_well(path: Path) -> None:
    """Nothing is found after a bulk build, additions, deletions and replacements."""
    assert found(path) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE ref SET v = zeroblob(64) WHERE id = 700", "Entry 700: its vector is damaged"),
        ("UPDATE ref SET label = 1 + label % 6 WHERE id = 9", "Entry 9: its vector is damaged"),
        ("DELETE FROM ref WHERE id = 700", "1,516 entries, and there should be 1,517"),
        ("DELETE FROM block WHERE blk = 3", "Entries 1 to 4096: entry 49 has no text"),
        ("DELETE FROM text WHERE id = 1510", "entry 1510 has no text"),
        ("DELETE FROM tomb WHERE id = 5", "deleted entries"),
        ("UPDATE code_chunks SET partition00 = 5 WHERE chunk_id = 1", "vector is damaged"),
        ("UPDATE code_chunks SET validity = zeroblob(32) WHERE chunk_id = 1", "have no bits"),
        ("DELETE FROM code_vector_chunks00 WHERE rowid = 2", "chunk that cannot be read"),
        (
            "INSERT INTO code_chunks SELECT 99, size, NULL, partition00, validity, rowids"
            " FROM code_chunks WHERE chunk_id = 1;"
            "INSERT INTO code_vector_chunks00 SELECT 99, vectors FROM code_vector_chunks00"
            " WHERE rowid = 1;"
            "INSERT INTO code_metadatachunks00 SELECT 99, data FROM code_metadatachunks00"
            " WHERE rowid = 1",
            "its vector is there twice",
        ),
    ],
)
def test_what_is_damaged_is_named(path: Path, damage: str, said: str) -> None:
    """Each kind of damage is a sentence of its own."""
    database = apsw.Connection(str(path))
    database.execute(damage)
    database.close()
    assert any(said in each for each in found(path))


def test_a_changed_byte_never_gives_a_wrong_entry_unseen(path: Path, built: bytes) -> None:
    """With one byte changed anywhere, all entries and vectors are as they were, or it is found."""
    rng = random.Random(0)
    with Store.open(path) as store:
        ids = [id for id in range(1, 1522) if id not in (5, 6, 40, 1503)]
        texts, rows = store.get(ids), store.vectors(ids)
    for place in rng.sample(range(len(built)), 30):
        data = bytearray(built)
        data[place] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        if not found(path):
            with Store.open(path) as store:
                assert store.get(ids) == texts
                assert (store.vectors(ids) == rows).all()

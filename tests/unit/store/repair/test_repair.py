"""A damaged store is made whole again as far as it can be, and never made worse."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from rm_local.errors import CorruptStoreError
from rm_local.store.repair.repair import repair_store
from rm_local.store.request import SearchRequest
from rm_local.store.sqlite.usage_counts import read_usage_counts, record_usage
from rm_local.store.store import Store
from tests.support.damage import LAST, ROWS, change, contents
from tests.support.faults.pages import Pages
from tests.support.faults.stores import ADDED, ids_of
from tests.support.stores import entries, vectors


def test_a_store_that_is_well_is_left_alone(path: Path) -> None:
    """Not a byte of it is written, and no other file is made."""
    before = path.read_bytes()
    assert repair_store(path) is None
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["made.rms"]


DERIVED = [
    "DELETE FROM words WHERE rowid = 12",
    "INSERT INTO words(rowid, rare) VALUES(5, 'spuk')",
    "UPDATE words_docsize SET sz = x'05' WHERE id = 12",
    "UPDATE words_data SET block = zeroblob(20) WHERE id > 100",
    "UPDATE meta SET value = 7 WHERE key = 'entries'",
    "UPDATE meta SET value = 7 WHERE key = 'bulk'",
    "UPDATE meta SET value = 7 WHERE key = 'clusters'",
    "UPDATE meta SET value = 9000 WHERE key = 'last'",
    "DELETE FROM tomb WHERE id = 5",
    "UPDATE tomb SET id = 7 WHERE id = 5",
    "DELETE FROM code_rowids WHERE rowid = 2600",
    "UPDATE code_rowids SET chunk_offset = 9 WHERE rowid = 2600",
    "UPDATE code_chunks SET size = 128 WHERE chunk_id = 1",
    f"UPDATE ref SET label = 1 + label % 6 WHERE id = {LAST}",
    "UPDATE ref SET label = 77 WHERE id = 9",
    "UPDATE ref SET crc = crc & 0xffffffff",
    "CREATE TABLE stranger(a)",
    "DROP INDEX code_part",
    "UPDATE code_info SET value = 'v0.0.1' WHERE key = 'CREATE_VERSION'",
]


@pytest.mark.parametrize("damage", DERIVED)
def test_what_other_rows_imply_is_restored(path: Path, whole: Path, damage: str) -> None:
    """Contents and answers are those of the store before the damage, to the byte; ids stay."""
    change(path, damage)
    repaired = repair_store(path)
    assert repaired is not None
    assert (repaired.entries, repaired.lost_ids) == (ROWS + ADDED - 5, [])
    assert contents(path) == contents(whole)


BITS = [
    "UPDATE code_chunks SET partition00 = (partition00 + 1) % 4 WHERE chunk_id = 1",
    "UPDATE code_chunks SET validity = zeroblob(30) WHERE chunk_id = 1",
    "UPDATE code_vector_chunks00 SET vectors = zeroblob(length(vectors)) WHERE _rowid_ = 2",
    "DELETE FROM code_vector_chunks00",
    "DELETE FROM code_chunks",
]


@pytest.mark.parametrize("damage", BITS)
def test_bits_are_derived_from_the_codes(path: Path, whole: Path, damage: str) -> None:
    """Entries and vectors are the same; nearly all searches answer alike through the new bits."""
    change(path, damage)
    repaired = repair_store(path)
    assert repaired is not None
    assert repaired.lost == []
    assert any("derived from their codes" in each for each in repaired.mended)
    with Store.open(path) as restored, Store.open(whole) as other:
        ids = ids_of(other)
        assert restored.verify() == []
        assert restored.get(ids) == other.get(ids)
        assert (restored.read_vectors(ids) == other.read_vectors(ids)).all()
        queries = vectors(40, dimension=64, seed=99)
        found, wanted = (
            [
                {hit.entry.id for hit in store.search(SearchRequest(query, k=10))}
                for query in queries
            ]
            for store in (restored, other)
        )
    alike = sum(len(one & two) for one, two in zip(found, wanted, strict=True))
    assert alike >= 0.97 * sum(map(len, wanted))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE centroid SET v = zeroblob(length(v)) WHERE blk = 1",
        "UPDATE centroid SET v = x'00' WHERE blk = 1",
        "DELETE FROM centroid WHERE blk = 0",
        "DELETE FROM centroid",
    ],
)
def test_centers_are_computed_from_their_rows(path: Path, whole: Path, damage: str) -> None:
    """Each is the mean of its rows again, near to what it was."""
    change(path, damage)
    assert repair_store(path)
    with Store.open(path) as restored, Store.open(whole) as other:
        assert restored.verify() == []
        assert restored.read_info().clusters == other.read_info().clusters
        ours, theirs = restored._searcher.centroids.rows, other._searcher.centroids.rows
        assert ((ours * theirs).sum(axis=1) > 0.95).all()


LOST = [
    ("UPDATE ref SET v = zeroblob(64) WHERE id = 700", [700]),
    ("DELETE FROM ref WHERE id = 700", [700]),
    ("DELETE FROM ref WHERE id = 2600", [2600]),
    ("DELETE FROM block WHERE blk = 3", list(range(49, 65))),
    ("DELETE FROM block WHERE blk = 0", [1, 2, 3, 4, *range(7, 17)]),
    ("UPDATE block SET z = zeroblob(90) WHERE blk = 3", list(range(49, 65))),
    ("DELETE FROM text WHERE id = 2600", [2600]),
    ("UPDATE text SET z = CAST(z AS TEXT) WHERE id = 2600", [2600]),
    (f"DELETE FROM text WHERE id = {LAST}", [LAST]),
]


@pytest.mark.parametrize(("damage", "lost"), LOST)
def test_entries_that_are_lost_are_named(
    path: Path, whole: Path, damage: str, lost: list[int]
) -> None:
    """They are left out, all others are as they were, and no id is given again."""
    change(path, damage)
    repaired = repair_store(path)
    assert repaired is not None
    assert repaired.lost_ids == lost
    assert f"({', '.join(map(str, lost))})" in repaired.lost[0]
    with Store.open(path, write=True) as restored, Store.open(whole) as other:
        ids = [id for id in ids_of(other) if id not in lost]
        assert ids_of(restored) == ids
        assert restored.get(ids) == other.get(ids)
        assert restored.add_entries(entries(1), vectors(1, dimension=64)) == [LAST + 1]
        restored.delete_entries([ids[0], LAST + 1])
        assert restored.verify() == []


def test_a_long_list_is_cut_short(path: Path) -> None:
    """Twenty ids are named in the sentence, all of them in the data."""
    change(path, "DELETE FROM block WHERE blk IN (3, 4)")
    repaired = repair_store(path)
    assert repaired is not None
    assert repaired.lost[0].startswith("32 entries (49, 50,")
    assert ", 68, ...), whose text" in repaired.lost[0]
    assert repaired.lost_ids == list(range(49, 81))


def test_a_damaged_label_costs_only_its_names(path: Path, whole: Path) -> None:
    """Its entries lose their names, and only these; the message says which."""
    change(path, "UPDATE label SET source = 'elsewhere' WHERE id = 2")
    repaired = repair_store(path)
    assert repaired is not None
    assert repaired.lost[0].startswith("Domain, source, level and provenance of")
    with Store.open(path) as restored, Store.open(whole) as other:
        assert restored.verify() == []
        ids = ids_of(other)
        pairs = list(zip(restored.get(ids), other.get(ids), strict=True))
    changed = [(one, two) for one, two in pairs if one != two]
    assert 0 < len(changed) < len(pairs)
    assert len({two.source + two.domain for _, two in changed}) == 1
    assert all(one == replace(two, domain="", source="") for one, two in changed)


def test_a_label_is_restored_from_its_index(path: Path, whole: Path) -> None:
    """A byte changed in the table alone is put right from the index."""
    data = path.read_bytes()
    pages = Pages(path)
    place = next(
        at
        for at in range(len(data))
        if data.startswith(b"test/1", at) and pages.kind(at) == "label"
    )
    path.write_bytes(data[:place] + b"b" + data[place + 1 :])
    repaired = repair_store(path)
    assert repaired is not None
    assert repaired.lost == []
    assert contents(path) == contents(whole)


def test_lost_words_and_search_params_get_defaults(path: Path) -> None:
    """Known words are replaced by stop words, search parameters by defaults; both are reported."""
    change(path, "DELETE FROM meta WHERE key IN ('known_words', 'probes')")
    repaired = repair_store(path)
    assert repaired is not None
    assert "words that the embedder knows is lost" in repaired.lost[0]
    assert "'probes' in meta: the default was used." in repaired.mended
    assert contents(path)


def test_tallies_go_with_their_entries(path: Path) -> None:
    """Those of entries that are kept stay; those of lost ones go."""
    database = apsw.Connection(str(path))
    with database:
        record_usage(database, [9, 700], [9])
    database.close()
    change(path, "DELETE FROM ref WHERE id = 700")
    assert repair_store(path)
    database = apsw.Connection(str(path))
    assert [*read_usage_counts(database, [9, 700])] == [9]
    database.close()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE meta SET value = zeroblob(256) WHERE key = 'mean'", "'mean' in meta"),
        ("DELETE FROM meta WHERE key = 'step'", "'step' in meta"),
        ("UPDATE zdict SET d = zeroblob(length(d)) WHERE id = 2", "the dictionary of vectors"),
        ("DELETE FROM zdict WHERE id = 1", "the dictionary of texts"),
        ("UPDATE ref SET v = zeroblob(9)", "No entry of the store"),
    ],
)
def test_what_nothing_can_replace_is_an_error(path: Path, damage: str, said: str) -> None:
    """It is said, with what to do, and the damaged store stays alone and as it was."""
    change(path, damage)
    before = path.read_bytes()
    with pytest.raises(CorruptStoreError) as raised:
        repair_store(path)
    assert said in raised.value.message
    assert "another copy" in raised.value.remedy
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["made.rms"]

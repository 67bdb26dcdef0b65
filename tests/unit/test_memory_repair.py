"""A damaged store is made whole again as far as it can be, and never made worse."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from rm_local.errors import StoreError, StoreInvalid, StoreReadOnly
from rm_local.memory import repair as repairing
from rm_local.memory.format import PAGE_SIZE
from rm_local.memory.repair import repair
from rm_local.memory.store import Store
from rm_local.memory.tally import count_up, tallies
from tests.faults import corruption
from tests.faults.pages import Pages
from tests.faults.stores import ADDED, fingerprint, ids_of, made_store
from tests.stores import entries, vectors

ROWS = 2500
LAST = ROWS + ADDED + 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bulk build in clusters, large enough for its bits to be asked, changed since."""
    path = tmp_path_factory.mktemp("whole") / "made.rms"
    made_store(path, ROWS)
    return path


@pytest.fixture
def path(tmp_path: Path, whole: Path) -> Path:
    """A copy of it."""
    (tmp_path / "stores").mkdir()
    return Path(shutil.copy(whole, tmp_path / "stores" / "made.rms"))


def change(path: Path, sql: str) -> None:
    """Run statements on the file behind the store's back."""
    database = apsw.Connection(str(path))
    database.execute(sql)
    database.close()


def contents(path: Path) -> str:
    """A hash of all entries, vectors and answers."""
    with Store.open(path) as store:
        assert store.verify() == []
        return fingerprint(store)


def test_a_store_that_is_well_is_left_alone(path: Path) -> None:
    """Not a byte of it is written, and nothing is put beside it."""
    before = path.read_bytes()
    assert repair(path) is None
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
def test_what_is_told_from_other_rows(path: Path, whole: Path, damage: str) -> None:
    """Contents and answers are those of the store before the damage, to the byte; ids stay."""
    change(path, damage)
    repaired = repair(path)
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
def test_bits_from_the_codes(path: Path, whole: Path, damage: str) -> None:
    """Entries and vectors are the same; nearly all searches answer alike through the new bits."""
    change(path, damage)
    repaired = repair(path)
    assert repaired is not None
    assert repaired.lost == []
    assert any("made from their codes" in each for each in repaired.mended)
    with Store.open(path) as mended, Store.open(whole) as other:
        ids = ids_of(other)
        assert mended.verify() == []
        assert mended.get(ids) == other.get(ids)
        assert (mended.vectors(ids) == other.vectors(ids)).all()
        queries = vectors(40, dimension=64, seed=99)
        found, wanted = (
            [{hit.entry.id for hit in store.search(query, k=10)} for query in queries]
            for store in (mended, other)
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
def test_centres_from_their_rows(path: Path, whole: Path, damage: str) -> None:
    """Each is the mean of its rows again, near to what it was."""
    change(path, damage)
    assert repair(path)
    with Store.open(path) as mended, Store.open(whole) as other:
        assert mended.verify() == []
        assert mended.info().clusters == other.info().clusters
        ours, theirs = mended._searcher.centres.rows, other._searcher.centres.rows
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
    repaired = repair(path)
    assert repaired is not None
    assert repaired.lost_ids == lost
    assert f"({', '.join(map(str, lost))})" in repaired.lost[0]
    with Store.open(path, write=True) as mended, Store.open(whole) as other:
        ids = [id for id in ids_of(other) if id not in lost]
        assert ids_of(mended) == ids
        assert mended.get(ids) == other.get(ids)
        assert mended.add(entries(1), vectors(1, dimension=64)) == [LAST + 1]
        mended.delete([ids[0], LAST + 1])
        assert mended.verify() == []


def test_a_long_list_is_cut_short(path: Path) -> None:
    """Twenty ids are named in the sentence, all of them in the data."""
    change(path, "DELETE FROM block WHERE blk IN (3, 4)")
    repaired = repair(path)
    assert repaired is not None
    assert repaired.lost[0].startswith("32 entries (49, 50,")
    assert ", 68, ...), whose text" in repaired.lost[0]
    assert repaired.lost_ids == list(range(49, 81))


def test_a_damaged_label(path: Path, whole: Path) -> None:
    """Its entries lose their names, and only these; the message says which."""
    change(path, "UPDATE label SET source = 'elsewhere' WHERE id = 2")
    repaired = repair(path)
    assert repaired is not None
    assert repaired.lost[0].startswith("Domain, source, level and provenance of")
    with Store.open(path) as mended, Store.open(whole) as other:
        assert mended.verify() == []
        ids = ids_of(other)
        pairs = list(zip(mended.get(ids), other.get(ids), strict=True))
    changed = [(one, two) for one, two in pairs if one != two]
    assert 0 < len(changed) < len(pairs)
    assert len({two.source + two.domain for _, two in changed}) == 1
    assert all(one == replace(two, domain="", source="") for one, two in changed)


def test_a_label_that_its_index_still_has(path: Path, whole: Path) -> None:
    """A byte changed in the table alone is put right from the index."""
    data = path.read_bytes()
    pages = Pages(path)
    place = next(
        at
        for at in range(len(data))
        if data.startswith(b"test/1", at) and pages.kind(at) == "label"
    )
    path.write_bytes(data[:place] + b"b" + data[place + 1 :])
    repaired = repair(path)
    assert repaired is not None
    assert repaired.lost == []
    assert contents(path) == contents(whole)


def test_lost_words_and_dial(path: Path) -> None:
    """What the embedder knows is replaced by stop words, the dial by its default; both are said."""
    change(path, "DELETE FROM meta WHERE key IN ('known_words', 'probes')")
    repaired = repair(path)
    assert repaired is not None
    assert "words that the embedder knows is lost" in repaired.lost[0]
    assert "'probes' in meta: the default was taken." in repaired.mended
    assert contents(path)


def test_tallies_go_with_their_entries(path: Path) -> None:
    """Those of entries that are kept stay; those of lost ones go."""
    database = apsw.Connection(str(path))
    with database:
        count_up(database, [9, 700], [9])
    database.close()
    change(path, "DELETE FROM ref WHERE id = 700")
    assert repair(path)
    database = apsw.Connection(str(path))
    assert [*tallies(database, [9, 700])] == [9]
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
def test_what_nothing_can_replace(path: Path, damage: str, said: str) -> None:
    """It is said, with what to do, and the damaged store stays alone and as it was."""
    change(path, damage)
    before = path.read_bytes()
    with pytest.raises(StoreInvalid) as raised:
        repair(path)
    assert said in raised.value.message
    assert "another copy" in raised.value.remedy
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["made.rms"]


def damaged_page(table: str) -> Callable[[bytes, Pages], bytes]:
    """A change that overwrites the last page of a table."""

    def damaged(data: bytes, pages: Pages) -> bytes:
        number = max(
            number
            for number in range(1, len(data) // PAGE_SIZE)
            if pages.kind(number * PAGE_SIZE + 9).split(",")[0] == table
        )
        noise = random.Random(0).randbytes(PAGE_SIZE)
        return data[: number * PAGE_SIZE] + noise + data[(number + 1) * PAGE_SIZE :]

    return damaged


PAGES = {
    **{
        table: damaged_page(table)
        for table in ("ref", "block", "words_data", "code_chunks", "code_vector_chunks00")
    },
    "the last pages": lambda data, _: data[: len(data) * 19 // 20],
}


@pytest.mark.parametrize("kind", PAGES)
def test_pages_that_cannot_be_read(path: Path, whole: Path, kind: str) -> None:
    """What lies on other pages is kept as it was, and what is lost is named or counted."""
    path.write_bytes(PAGES[kind](whole.read_bytes(), Pages(whole)))
    repaired = repair(path)
    assert repaired is not None
    with Store.open(path) as mended, Store.open(whole) as other:
        assert mended.verify() == []
        kept, ids = ids_of(mended), ids_of(other)
        assert mended.get(kept) == other.get(kept)
        assert (mended.vectors(kept) == other.vectors(kept)).all()
    gone = set(ids) - set(kept)
    assert len(kept) > ROWS - 500
    assert set(repaired.lost_ids) <= gone
    unknown = len(gone) - len(repaired.lost_ids)
    assert not unknown or f"{unknown} more entries" in repaired.lost[-1]


@pytest.mark.parametrize("seed", range(8))
def test_one_byte_of_it_is_another(path: Path, whole: Path, seed: int) -> None:
    """The store is well, repaired, or refused as it is; no entry has another text or vector."""
    data = bytearray(path.read_bytes())
    (one,) = corruption.changes(bytes(data), 1, random.Random(seed))
    data[one.place] = one.after
    path.write_bytes(data)
    try:
        repair(path)
    except StoreError:
        assert path.read_bytes() == data
        return
    with Store.open(path) as mended, Store.open(whole) as other:
        assert mended.verify() == []
        ids = ids_of(mended)
        assert [*map(corruption.texts_of, mended.get(ids))] == [
            *map(corruption.texts_of, other.get(ids))
        ]


BROKEN = "DELETE FROM words WHERE rowid = 12"


@pytest.mark.parametrize("stage", ["texts", "vectors", "pages"])
def test_stopped_at_any_stage(path: Path, whole: Path, stage: str) -> None:
    """The damaged store stays as it was and alone; the next repair comes through."""
    change(path, BROKEN)
    before = path.read_bytes()
    begun: list[str] = []

    def stop(now: str, *_: int) -> None:
        begun.append(now)
        # The first of each stage belongs to the reading of the damaged store.
        if (path.parent / "made.rms.repair").exists() and now == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair(path, stop)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["made.rms"]
    assert repair(path)
    assert contents(path) == contents(whole)


def test_killed_between_the_two_names(
    path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has its name all the time, and the next repair comes through."""
    change(path, BROKEN)
    before = path.read_bytes()

    def killed(*_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(repairing, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            repair(path)
    assert path.read_bytes() == before
    (path.parent / "made.rms.repair").write_bytes(b"half")
    repaired = repair(path)
    assert repaired is not None
    assert repaired.aside.read_bytes() == before
    assert contents(path) == contents(whole)
    assert sorted(os.listdir(path.parent)) == ["made.rms", "made.rms.damaged"]


def test_an_earlier_damaged_file_is_kept(path: Path) -> None:
    """It may hold what the repair left out, so that nothing is put in its place."""
    change(path, BROKEN)
    aside = path.parent / "made.rms.damaged"
    aside.write_bytes(b"kept")
    with pytest.raises(StoreError, match="exists already"):
        repair(path)
    assert aside.read_bytes() == b"kept"


def test_another_program_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repair is refused, and the store stays as it is."""
    change(path, BROKEN)
    monkeypatch.setattr("rm_local.memory.connection.BUSY_MS", 1)
    writer = apsw.Connection(str(path))
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="Another program is writing"):
        repair(path)
    writer.close()
    assert os.listdir(path.parent) == ["made.rms"]


def test_who_had_it_open_writes_no_more(path: Path) -> None:
    """A writer that opened the damaged file is told to open the repaired one."""
    change(path, BROKEN)
    with Store.open(path, write=True) as writer:
        assert repair(path)
        with pytest.raises(StoreError, match="was replaced"):
            writer.add(entries(1), vectors(1, dimension=64))


def test_no_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before anything is written."""
    change(path, BROKEN)
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(StoreError, match=r"The repair needs [\d,]+ bytes"):
        repair(path)
    assert os.listdir(path.parent) == ["made.rms"]


def test_where_nothing_can_be_written(path: Path) -> None:
    """A store without write bit is not repaired, but one told to be well needs none."""
    path.chmod(0o444)
    assert repair(path) is None
    path.chmod(0o644)
    change(path, BROKEN)
    path.chmod(0o444)
    with pytest.raises(StoreReadOnly):
        repair(path)

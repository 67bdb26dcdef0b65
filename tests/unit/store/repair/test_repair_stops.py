"""Damaged pages and bytes, and repairs that are stopped, kept out or refused."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from rm_local.errors import ReadOnlyStoreError, StoreError
from rm_local.progress import Progress
from rm_local.store.format import PAGE_SIZE
from rm_local.store.repair import repair as repairing
from rm_local.store.repair.repair import repair_store
from rm_local.store.store import Store
from tests.campaigns import corruption
from tests.support.damage import ROWS, change, contents
from tests.support.faults.pages import Pages
from tests.support.faults.stores import ids_of
from tests.support.stores import entries, vectors


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


PAGES: dict[str, Callable[[bytes, Pages], bytes]] = {
    **{
        table: damaged_page(table)
        for table in ("ref", "block", "words_data", "code_chunks", "code_vector_chunks00")
    },
    "the last pages": lambda data, _: data[: len(data) * 19 // 20],
}


@pytest.mark.parametrize("kind", PAGES)
def test_pages_that_cannot_be_read_cost_only_their_rows(path: Path, whole: Path, kind: str) -> None:
    """What is stored on other pages is kept as it was, and what is lost is named or counted."""
    path.write_bytes(PAGES[kind](whole.read_bytes(), Pages(whole)))
    repaired = repair_store(path)
    assert repaired is not None
    with Store.open(path) as restored, Store.open(whole) as other:
        assert restored.verify() == []
        kept, ids = ids_of(restored), ids_of(other)
        assert restored.get(kept) == other.get(kept)
        assert (restored.read_vectors(kept) == other.read_vectors(kept)).all()
    gone = set(ids) - set(kept)
    assert len(kept) > ROWS - 500
    assert set(repaired.lost_ids) <= gone
    unknown = len(gone) - len(repaired.lost_ids)
    assert not unknown or f"{unknown} more entries" in repaired.lost[-1]


@pytest.mark.parametrize("seed", range(8))
def test_one_changed_byte_never_changes_an_entry(path: Path, whole: Path, seed: int) -> None:
    """The store is well, repaired, or refused as it is; no entry has another text or vector."""
    data = bytearray(path.read_bytes())
    (one,) = corruption.changes(bytes(data), 1, random.Random(seed))
    data[one.place] = one.after
    path.write_bytes(data)
    try:
        repair_store(path)
    except StoreError:
        assert path.read_bytes() == data
        return
    with Store.open(path) as restored, Store.open(whole) as other:
        assert restored.verify() == []
        ids = ids_of(restored)
        assert [*map(corruption.texts_of, restored.get(ids))] == [
            *map(corruption.texts_of, other.get(ids))
        ]


BROKEN = "DELETE FROM words WHERE rowid = 12"


@pytest.mark.parametrize("stage", ["texts", "vectors", "pages"])
def test_a_repair_stopped_at_any_stage_changes_nothing(path: Path, whole: Path, stage: str) -> None:
    """The damaged store stays as it was and alone; the next repair comes through."""
    change(path, BROKEN)
    before = path.read_bytes()
    begun: list[str] = []

    def stop(now: Progress) -> None:
        begun.append(now.stage)
        # The first of each stage belongs to the reading of the damaged store.
        if (path.parent / "made.rms.repair").exists() and now.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair_store(path, stop)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["made.rms"]
    assert repair_store(path)
    assert contents(path) == contents(whole)


def test_a_kill_between_the_two_names_keeps_the_store(
    path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has its name all the time, and the next repair comes through."""
    change(path, BROKEN)
    before = path.read_bytes()

    def killed(*_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(repairing, "rename_and_sync_parent", killed)
        with pytest.raises(KeyboardInterrupt):
            repair_store(path)
    assert path.read_bytes() == before
    (path.parent / "made.rms.repair").write_bytes(b"half")
    repaired = repair_store(path)
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
        repair_store(path)
    assert aside.read_bytes() == b"kept"


def test_a_repair_is_refused_while_another_program_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repair is refused, and the store stays as it is."""
    change(path, BROKEN)
    monkeypatch.setattr("rm_local.store.sqlite.connection.BUSY_MS", 1)
    writer = apsw.Connection(str(path))
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="Another program is writing"):
        repair_store(path)
    writer.close()
    assert os.listdir(path.parent) == ["made.rms"]


def test_who_had_it_open_writes_no_more(path: Path) -> None:
    """A writer that opened the damaged file is asked to open the repaired one."""
    change(path, BROKEN)
    with Store.open(path, write=True) as writer:
        assert repair_store(path)
        with pytest.raises(StoreError, match="was replaced"):
            writer.add_entries(entries(1), vectors(1, dimension=64))


def test_a_repair_without_room_is_refused_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anything is written."""
    change(path, BROKEN)
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(StoreError, match=r"The repair needs \d+\.\d MB .* 1\.0 KB are free"):
        repair_store(path)
    assert os.listdir(path.parent) == ["made.rms"]


def test_a_read_only_store_is_not_repaired(path: Path) -> None:
    """A store without write bit is not repaired, but an intact one needs no write bit."""
    path.chmod(0o444)
    assert repair_store(path) is None
    path.chmod(0o644)
    change(path, BROKEN)
    path.chmod(0o444)
    with pytest.raises(ReadOnlyStoreError):
        repair_store(path)

"""The entries of stores, read in order of id for another store, for a file, or to be compared."""

from __future__ import annotations

import pickle
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from rm_local.errors import EmbedderMismatchError, StoreError, UsageError
from rm_local.records import Entry
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import EmbedderId
from rm_local.store.rewrite.diff import diff_stores
from rm_local.store.rewrite.fingerprints import (
    distinguish_repeated,
    find_missing_places,
    find_repeated_places,
)
from rm_local.store.rewrite.merge import merge_stores_and_count_omitted
from rm_local.store.rewrite.sparse_ids import SparseRange
from rm_local.store.rewrite.store_source import StoreEntrySource
from rm_local.store.rewrite.union_source import make_store_union_source
from rm_local.store.store import Store
from tests.support.stores import TOY, MadeSource, entries, toy_store, vectors

MADE = EmbedderId("made", 64, "0" * 64)
DELETED = {33, 40, 41, 1032, 1036, 1042}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand built entries, 33 to 1032, and ten added, some deleted of both at each end."""
    path = tmp_path_factory.mktemp("held") / "made.rms"
    build_store(path, MadeSource(1000), embedder=MADE, first=33)
    with Store.open(path, write=True) as store:
        store.add_entries(entries(1010)[1000:], vectors(10, dimension=64))
        store.delete_entries(DELETED)
    return path


def remaining() -> list[int]:
    """Ids of the entries of that store."""
    return [id for id in range(33, 1043) if id not in DELETED]


def test_places_are_counted_past_what_is_left_out() -> None:
    """As in a list of the numbers that are left."""
    missing = np.array([5, 6, 9, 20])
    listed = [number for number in range(5, 40) if number not in missing]
    places = np.arange(len(listed))
    assert SparseRange.from_missing(5, missing).find_ids_at(places).tolist() == listed


@pytest.mark.parametrize("block_rows", [1, 7, 1004, 5000])
def test_blocks_hold_all_entries_once(path: Path, block_rows: int) -> None:
    """In order of id, with the vectors of the store, whatever was deleted and where."""
    with StoreEntrySource.open(path) as of:
        held = StoreEntrySource(of.path, of.embedder, of.rows, of.fingerprint, block_rows)
    with held:
        blocks = [held.read_block(number) for number in range(held.blocks)]
    assert [entry.id for block, _ in blocks for entry in block] == remaining()
    with Store.open(path) as store:
        assert [entry for block, _ in blocks for entry in block] == store.get(remaining())
        assert np.array_equal(
            np.concatenate([v for _, v in blocks]), store.read_vectors(remaining())
        )


def test_a_pickled_source_opens_the_store_for_itself(path: Path) -> None:
    """What another process gets holds no connection, and reads the same."""
    with StoreEntrySource.open(path) as held, pickle.loads(pickle.dumps(held)) as other:
        assert "_store" not in other.__dict__
        assert other.read_block_entries(0) == held.read_block_entries(0)


def test_a_store_may_have_ids_that_do_not_begin_with_one(path: Path) -> None:
    """Verify finds nothing wrong, samples are entries, an id that was never given is reported."""
    with Store.open(path) as store:
        assert store.verify() == []
        assert {entry.id for entry in store.sample_entries(2000, 1)} == set(remaining())
        with pytest.raises(StoreError, match="no entry 3"):
            store.get([3])


def test_a_store_that_is_changed_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    """One more block is an error: half of the old and half of the new would be neither."""
    path = toy_store(tmp_path / "toy.rms")
    with StoreEntrySource.open(path) as held:
        with Store.open(path, write=True) as store:
            store.replace_entry(3, entries(1)[0], vectors(1)[0])
        with pytest.raises(StoreError, match="changed meanwhile"):
            held.read_block(0)


def test_repeated_prints_are_found_and_numbered() -> None:
    """Repeated ones are those with an earlier equal; counted ones differ, as often as they come."""
    found = np.array([7, 3, 7, 7, 1, 3], np.uint64)
    assert find_repeated_places(found).tolist() == [2, 3, 5]
    assert len(set(distinguish_repeated(found).tolist())) == 6
    twice, thrice = (
        distinguish_repeated(np.array([7, 7], np.uint64)),
        distinguish_repeated(np.array([7, 7, 7], np.uint64)),
    )
    assert find_missing_places(thrice, twice).tolist() == [2]
    assert find_missing_places(found, found[:0]).tolist() == list(range(6))


def toy(path: Path, held: list[Entry]) -> Path:
    """A store of these entries."""
    with Store.create(path, embedder=TOY) as store:
        store.add_entries(held, vectors(len(held), seed=len(held)))
    return path


def test_a_merge_keeps_what_two_stores_share_once(tmp_path: Path) -> None:
    """In the order of the stores; the first one's labels stay."""
    all_of = entries(30)
    changed = Entry(all_of[12].subproblem, all_of[12].subroutine, "other")
    one = toy(tmp_path / "one.rms", all_of[:20])
    other = toy(tmp_path / "other.rms", [*all_of[10:12], changed, *all_of[13:], all_of[29]])
    assert merge_stores_and_count_omitted([one, other], tmp_path / "both.rms") == 11
    whole = toy(tmp_path / "whole.rms", all_of)
    with (
        StoreEntrySource.open(tmp_path / "both.rms") as both,
        StoreEntrySource.open(whole) as wanted,
    ):
        assert diff_stores(both, wanted, 5).is_equal
    assert sorted(each.name for each in tmp_path.glob("*.rms*")) == [
        "both.rms",
        "one.rms",
        "other.rms",
        "whole.rms",
    ]


def test_blocks_of_joined_stores_cross_their_borders(tmp_path: Path) -> None:
    """Each entry has its own store's vector, also in another process."""
    one = toy(tmp_path / "one.rms", entries(30)[:20])
    other = toy(tmp_path / "other.rms", entries(30)[15:])
    joined = pickle.loads(
        pickle.dumps(
            make_store_union_source(
                [StoreEntrySource.open(one), StoreEntrySource.open(other)], tmp_path / "work"
            )
        )
    )
    assert (joined.rows, joined.omitted_count) == (30, 5)
    with ExitStack() as opened:
        for each in joined.stores:
            opened.enter_context(each)
        found, rows = joined.read_block(0)
    assert [entry.subproblem for entry in found] == [e.subproblem for e in entries(30)]
    with Store.open(one) as first, Store.open(other) as second:
        held = np.concatenate([first.read_vectors(range(1, 21)), second.read_vectors(range(6, 16))])
    assert np.array_equal(rows, held)


def test_what_cannot_be_merged_is_refused(tmp_path: Path) -> None:
    """One store twice, two embedders, nothing at all, and a name that is taken."""
    one, out = toy_store(tmp_path / "one.rms"), tmp_path / "out.rms"
    with pytest.raises(UsageError, match="named twice"):
        merge_stores_and_count_omitted([one, tmp_path / "." / "one.rms"], out)
    build_store(tmp_path / "made.rms", MadeSource(20), embedder=MADE)
    with pytest.raises(EmbedderMismatchError, match="made with made"):
        merge_stores_and_count_omitted([one, tmp_path / "made.rms"], out)
    with pytest.raises(StoreError, match="have no entries"):
        merge_stores_and_count_omitted([toy(tmp_path / "empty.rms", [])], out)
    with pytest.raises(StoreError, match="exists already"):
        merge_stores_and_count_omitted([one], one)
    assert not out.exists()
    assert not [*tmp_path.glob("out.rms.*")]


def test_a_difference_counts_repeated_entries(tmp_path: Path) -> None:
    """An entry that one store holds twice and the other once is reported, as is a changed label."""
    held = entries(10)
    one = toy(tmp_path / "one.rms", [*held, held[4]])
    changed = Entry(held[0].subproblem, held[0].subroutine, held[0].domain, "elsewhere")
    other = toy(tmp_path / "other.rms", [changed, *reversed(held[1:])])
    with StoreEntrySource.open(one) as first, StoreEntrySource.open(other) as second:
        found = diff_stores(first, second, 1)
    assert (found.entries_in_both, found.one.only, found.other.only, found.is_equal) == (
        9,
        2,
        1,
        False,
    )
    assert [entry.id for entry in found.one.examples] == [1]
    assert found.other.examples[0].source == "elsewhere"

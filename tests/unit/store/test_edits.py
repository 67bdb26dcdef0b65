"""Entries added, deleted and replaced, in a small store and in one with clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import numpy as np
import pytest

from rm_local.errors import ReadOnlyStoreError, StoreError
from rm_local.records import Entry
from rm_local.store.build.pipeline import build_store
from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.format import EmbedderId
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.store import Store
from tests.support.stores import MadeSource, vectors

ROWS = 2500
MADE = EmbedderId("made", 64, "0" * 64)
NEW = Entry("How to find the glimsy of a frob?", "I should look below it.", "new", "test/new")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store of a bulk build, with ten clusters."""
    path = tmp_path_factory.mktemp("edits") / "made.rms"
    build_store(path, MadeSource(ROWS), embedder=MADE, clusters=10)
    return path.read_bytes()


@pytest.fixture(params=["clusters", "small"])
def store(tmp_path: Path, request: pytest.FixtureRequest, built: bytes) -> Iterator[Store]:
    """The same rows from a bulk build, or some of them added one after another."""
    path = tmp_path / "made.rms"
    if request.param == "clusters":
        path.write_bytes(built)
    else:
        source = MadeSource(60)
        with Store.create(path, embedder=MADE) as small:
            small.add_entries(source.entries, source.vectors)
    with Store.open(path, write=True) as opened:
        yield opened


def test_an_added_entry_is_found_at_once(store: Store) -> None:
    """By its vector, by its rare word, and narrowed to its domain; its id is the next."""
    last = store.count_entries()
    vector = vectors(1, dimension=64, seed=9)[0]
    assert store.add_entries([NEW], vector[np.newaxis]) == [last + 1]
    assert store.search(SearchRequest(vector, k=1))[0].entry.id == last + 1
    by_word = store.search(SearchRequest(-vector, "the glimsy, please", k=last + 1))
    assert [hit.entry.id for hit in by_word if hit.lexical == 1] == [last + 1]
    assert [
        hit.entry.id
        for hit in store.search(SearchRequest(vector, filter=EntryFilter(domain="new")))
    ] == [last + 1]


def test_added_entries_join_the_chunks_of_their_clusters(store: Store) -> None:
    """Hundreds more, some of them past the end of a chunk, are all found by their own vectors."""
    last = store.count_entries()
    more = vectors(700, dimension=64, seed=11)
    ids = store.add_entries([NEW] * 700, more)
    assert ids == list(range(last + 1, last + 701))
    for place in range(0, 700, 23):
        assert store.search(SearchRequest(more[place], k=1))[0].entry.id == ids[place]


def test_a_deleted_entry_is_gone(store: Store) -> None:
    """It is not found, not got, not drawn and not counted; its neighbours are as they were."""
    gone, kept = [3, 18], store.get([2, 4, 17, 19])
    (vector,) = store.read_vectors([3])
    size = store.count_entries()
    store.delete_entries(gone)
    assert store.count_entries() == size - 2
    found = store.search(SearchRequest(vector, "zorb2 zorb17", k=size))
    assert not {hit.entry.id for hit in found} & set(gone)
    assert store.get([2, 4, 17, 19]) == kept
    assert not {entry.id for entry in store.sample_entries(size, seed=1)} & set(gone)
    assert len(store.sample_entries(size, seed=1)) == size - 2
    for call in (store.get, store.read_vectors, store.delete_entries):
        with pytest.raises(StoreError, match="no entry 3"):
            call([3])


def test_one_unknown_id_deletes_nothing(store: Store) -> None:
    """With one unknown id, nothing is deleted."""
    size = store.count_entries()
    with pytest.raises(StoreError, match="no entry 99999"):
        store.delete_entries([1, 99_999])
    assert store.count_entries() == size
    assert store.get([1])


def test_ids_are_never_given_again(store: Store) -> None:
    """Not even that of the last entry, deleted."""
    vector = vectors(1, dimension=64)
    (id,) = store.add_entries([NEW], vector)
    store.delete_entries([id])
    assert store.add_entries([NEW], vector) == [id + 1]


def test_a_replaced_entry_has_a_new_id(store: Store) -> None:
    """The new text is found, the old one is gone, and there are as many entries."""
    size = store.count_entries()
    vector = vectors(1, dimension=64, seed=9)[0]
    new = store.replace_entry(5, NEW, vector)
    assert new == size + 1
    assert store.count_entries() == size
    assert store.search(SearchRequest(vector, k=1))[0].entry.subproblem == NEW.subproblem
    with pytest.raises(StoreError, match="no entry 5"):
        store.get([5])


def test_a_wrong_replacement_leaves_the_entry(store: Store) -> None:
    """A blank text is an error, and the old entry stays."""
    with pytest.raises(ValueError, match="no subproblem"):
        store.replace_entry(5, Entry(" ", "text"), vectors(1, dimension=64)[0])
    assert store.get([5])


def test_the_text_of_a_deleted_entry_leaves_the_file(store: Store) -> None:
    """Its row in its block is empty."""
    path = store.read_info().path
    store.delete_entries([2])
    database = apsw.Connection(str(path))
    assert database.execute("SELECT count(*) FROM text WHERE id = 2").get == 0
    codec = TextCodec(database.execute("SELECT d FROM zdict WHERE id = 1").get or b"")
    for (frame,) in database.execute("SELECT z FROM block WHERE blk = 0"):
        assert codec.unpack_rows(frame, 16)[1] == b""
    database.close()


def test_a_store_open_for_reading_is_not_deleted_from(tmp_path: Path, built: bytes) -> None:
    """Deleting and replacing say so."""
    path = tmp_path / "read.rms"
    path.write_bytes(built)
    with Store.open(path) as store:
        with pytest.raises(ReadOnlyStoreError, match="reading only"):
            store.delete_entries([1])
        with pytest.raises(ReadOnlyStoreError, match="reading only"):
            store.replace_entry(1, NEW, vectors(1, dimension=64)[0])

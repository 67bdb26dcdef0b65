"""The store: what is put in comes out, nearest first."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rm_local.errors import StoreError
from rm_local.records import Entry
from rm_local.store.format import EmbedderId
from rm_local.store.index import search as search_module
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.store import Store
from tests.support.stores import TOY, entries, toy_store, vectors


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Twelve entries, open for reading."""
    with Store.open(toy_store(tmp_path / "toy.rms")) as opened:
        yield opened


def test_entries_come_back_as_they_were_put_in(store: Store) -> None:
    """`get` gives the entries in the order asked for, with their ids, from 1."""
    wanted = [replace(entry, id=place) for place, entry in enumerate(entries(12), 1)]
    assert store.get([3, 1, 12]) == [wanted[2], wanted[0], wanted[11]]
    assert store.get([]) == []


@pytest.mark.parametrize(
    "text",
    ["tab\tand\x1b[31m", "a\0b", "naïve ∑ 漢字 😀", "\ud800 alone", "  edges  \n", "x" * 70_000],
)
def test_texts_come_back_whole(tmp_path: Path, text: str) -> None:
    """Control characters, NUL, lone surrogates and long texts are kept as they are."""
    with Store.create(tmp_path / "toy.rms", embedder=TOY) as store:
        store.add_entries([Entry(text, text)], vectors(1))
        (entry,) = store.get([1])
    assert (entry.subproblem, entry.subroutine) == (text, text)


def test_a_dictionary_is_trained_from_a_sample(tmp_path: Path) -> None:
    """Texts like the sample take less room with a dictionary, and come back the same."""
    many = entries(400)
    sizes = []
    for name, sample in (("without", []), ("with", [e.subproblem + e.subroutine for e in many])):
        with Store.create(tmp_path / name, embedder=TOY, dictionary_sample=sample) as store:
            store.add_entries(many, vectors(400))
            sizes.append(store.read_info().size)
            assert store.get([400])[0].subroutine == many[399].subroutine
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("sample", [["one short text"], ["x"] * 50, [""] * 9])
def test_a_sample_too_small_for_a_dictionary_is_no_error(tmp_path: Path, sample: list[str]) -> None:
    """The store is made without one."""
    with Store.create(tmp_path / "toy.rms", embedder=TOY, dictionary_sample=sample) as store:
        assert store.add_entries(entries(2), vectors(2)) == [1, 2]


def test_the_nearest_comes_first_with_its_cosine(store: Store) -> None:
    """Similarities are the cosines of the vectors put in, to the codes' precision, descending."""
    query = vectors(1, seed=5)[0]
    hits = store.search(SearchRequest(query, k=12))
    exact = vectors(12) @ query
    assert [hit.entry.id for hit in hits] == list(np.argsort(-exact) + 1)
    assert np.allclose([hit.similarity for hit in hits], np.sort(exact)[::-1], atol=0.02)


def test_a_query_of_any_length_is_the_same_query(store: Store) -> None:
    """Vectors are normalised."""
    query = vectors(1, seed=5)[0]
    pairs = zip(
        store.search(SearchRequest(query)), store.search(SearchRequest(query * 7)), strict=True
    )
    assert all(
        one.entry == other.entry and one.similarity == pytest.approx(other.similarity, abs=1e-6)
        for one, other in pairs
    )


def test_equal_scores_go_by_id(tmp_path: Path) -> None:
    """Entries with the same vector stand in the order of their ids."""
    with Store.create(tmp_path / "toy.rms", embedder=TOY) as store:
        store.add_entries(entries(5), np.repeat(vectors(1), 5, axis=0))
        assert [hit.entry.id for hit in store.search(SearchRequest(vectors(1)[0]))] == [
            1,
            2,
            3,
            4,
            5,
        ]


@pytest.mark.parametrize("k", [0, 1, 5, 12, 100])
def test_a_search_gives_at_most_k_hits(store: Store, k: int) -> None:
    """There are k hits, or all when there are fewer entries."""
    assert len(store.search(SearchRequest(vectors(1)[0], "zorb1", k=k))) == min(k, 12)


def test_an_empty_store_has_no_hits(tmp_path: Path) -> None:
    """Searching and sampling it is no error."""
    with Store.create(tmp_path / "toy.rms", embedder=TOY) as store:
        assert store.count_entries() == 0
        assert store.search(SearchRequest(vectors(1)[0], "anything")) == []
        assert store.sample_entries(3, seed=1) == []


@pytest.mark.parametrize("scanned", [0, 2000])
def test_search_can_be_narrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scanned: int
) -> None:
    """Only entries of the domain and the source are hits, whichever way the store searches."""
    monkeypatch.setattr(search_module, "SCANNED_ROWS", scanned)
    with Store.open(toy_store(tmp_path / "toy.rms")) as store:
        query = vectors(1)[0]
        code = store.search(SearchRequest(query, "zorb0", k=12, filter=EntryFilter(domain="code")))
        assert {hit.entry.id for hit in code} == {2, 4, 6, 8, 10, 12}
        both = store.search(
            SearchRequest(query, k=12, filter=EntryFilter(domain="math", source="test/0"))
        )
        assert {hit.entry.id for hit in both} == {1, 7}
        assert store.search(SearchRequest(query, filter=EntryFilter(domain="poetry"))) == []


@pytest.mark.slow
@pytest.mark.parametrize("turned", [False, True])
def test_the_bits_pass_the_nearest_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turned: bool
) -> None:
    """With and without a mean and a rotation, candidates by bits give the same hits as a scan."""
    rng = np.random.default_rng(1)
    rotation = np.linalg.qr(rng.normal(size=(384, 384)))[0].astype(np.float32)
    mean = (rng.normal(size=384) / 100).astype(np.float32)
    path, rows = tmp_path / "toy.rms", vectors(3000, dimension=384)
    with Store.create(
        path,
        embedder=EmbedderId("toy", 384, "0" * 64),
        mean=mean if turned else None,
        rotation=rotation if turned else None,
    ) as store:
        store.add_entries(entries(3000), rows)
    queries = rows[:30] + vectors(30, dimension=384, seed=4)
    with Store.open(path) as store:
        by_bits = [store.search(SearchRequest(query, k=1))[0].entry for query in queries]
        monkeypatch.setattr(search_module, "SCANNED_ROWS", 3000)
        assert by_bits == [store.search(SearchRequest(query, k=1))[0].entry for query in queries]


def test_adding_continues_from_the_last_id(tmp_path: Path) -> None:
    """Entries added later are counted, numbered on, and found at once."""
    path = toy_store(tmp_path / "toy.rms")
    with Store.open(path, embedder=TOY, write=True) as store:
        extra = vectors(2, seed=9)
        assert store.add_entries(entries(2), extra) == [13, 14]
        assert store.add_entries([], np.zeros((0, 16), np.float32)) == []
        assert store.count_entries() == 14
        assert store.search(SearchRequest(extra[1]))[0].entry.id == 14


def test_nothing_is_added_when_one_entry_is_wrong(tmp_path: Path) -> None:
    """Wrong shapes, zero or infinite vectors and empty texts are ValueErrors that add nothing."""
    with Store.create(tmp_path / "toy.rms", embedder=TOY) as store:
        good, two = vectors(2), entries(2)
        for wrong in (good[:1], good[:, :8], good * 0, good * np.inf):
            with pytest.raises(ValueError, match="vector"):
                store.add_entries(two, wrong)
        with pytest.raises(ValueError, match="no subproblem"):
            store.add_entries([two[0], Entry(" ", "text")], good)
        with pytest.raises(ValueError, match="bytes"):
            store.add_entries([two[0], Entry("long", "x" * (1 << 20))], good)
        assert store.count_entries() == 0


def test_vectors_come_back_for_ids(store: Store) -> None:
    """Rows of length 1, in the order asked for, within the codes' precision."""
    rows = store.read_vectors([7, 2])
    assert rows.shape == (2, 16)
    assert np.allclose(rows, vectors(12)[[6, 1]], atol=0.02)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)


def test_samples_are_drawn_by_seed(store: Store) -> None:
    """The same seed draws the same different entries, another seed others."""
    drawn = store.sample_entries(5, seed=1)
    assert drawn == store.sample_entries(5, seed=1)
    assert drawn != store.sample_entries(5, seed=2)
    assert len({entry.id for entry in drawn}) == 5
    assert len(store.sample_entries(50, seed=1)) == 12


def test_an_unknown_id_is_an_error(store: Store) -> None:
    """The message names the id and the ids that there are."""
    with pytest.raises(StoreError, match=r"no entry 99.*1 to 12"):
        store.get([1, 99])
    with pytest.raises(StoreError, match="no entry 0"):
        store.read_vectors([0])


def test_a_store_describes_what_it_is(store: Store, tmp_path: Path) -> None:
    """`info` names embedder, entries, domains, bytes and whether it may be added to."""
    info = store.read_info()
    assert (info.embedder, info.entries, info.domains) == (TOY, 12, ("code", "math"))
    assert info.size == (tmp_path / "toy.rms").stat().st_size
    assert not info.writable


def test_threads_share_a_store_safely(store: Store) -> None:
    """Calls from several threads give what one thread gets."""
    query = vectors(1, seed=3)[0]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: store.search(SearchRequest(query, "zorb4")), range(40)))
    assert found == [store.search(SearchRequest(query, "zorb4"))] * 40


def test_two_readers_see_what_a_writer_adds(tmp_path: Path) -> None:
    """An open reader finds an entry as soon as another opening of the store has added it."""
    path = toy_store(tmp_path / "toy.rms")
    with Store.open(path) as reader, Store.open(path, write=True) as writer:
        new = vectors(1, seed=8)
        (number,) = writer.add_entries(entries(1), new)
        assert reader.search(SearchRequest(new[0]))[0].entry.id == number


def test_a_store_says_which_file_it_is_and_whether_it_is_open(tmp_path: Path) -> None:
    """For whoever debugs a program that holds several."""
    path = toy_store(tmp_path / "toy.rms")
    with Store.open(path) as reader:
        assert repr(reader) == f"<Store {str(path)!r}, read-only>"
    assert repr(reader) == f"<Store {str(path)!r}, closed>"
    with Store.open(path, write=True) as writer:
        assert repr(writer) == f"<Store {str(path)!r}, writable>"


def test_a_store_that_was_never_closed_is_reported(tmp_path: Path) -> None:
    """As an open file is; one that was closed is dropped in silence, and so is one never opened."""
    path = toy_store(tmp_path / "toy.rms")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dropped = Store.open(path)
        name = repr(dropped)
        del dropped
        gc.collect()
    messages = [str(each.message) for each in caught if each.category is ResourceWarning]
    assert messages == [f"{name} was never closed"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        closed = Store.open(path)
        closed.close()
        del closed
        with pytest.raises(StoreError):
            Store.open(tmp_path / "none.rms")
        gc.collect()

"""Several stores searched as one find what one store with all their entries finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rm_local.errors import EmbedderMismatchError, StoreError, StoreNotFoundError
from rm_local.records import Entry
from rm_local.store import EmbedderId, SearchRequest, Store, StoreSet
from tests.support.stores import TOY, entries, vectors

ROWS = 60
QUERIES = vectors(4, seed=9)
REQUESTS: list[Callable[[SearchRequest], SearchRequest]] = [
    lambda request: request,
    lambda request: replace(request, k=1),
    lambda request: replace(request, k=200),
    lambda request: replace(request, min_similarity=0.2),
    lambda request: replace(request, max_score_gap=0.1, pool=40),
    lambda request: replace(request, diversity=0.75, pool=32),
    lambda request: replace(request, diversity=0.3, pool=50, k=7),
]


def make_store(path: Path, part: slice) -> Path:
    """A closed store of some of the entries."""
    with Store.create(path, embedder=TOY) as store:
        store.add_entries(entries(ROWS)[part], vectors(ROWS)[part])
    return path


def open_set(files: list[Path], failures: list[StoreError] | None = None) -> StoreSet:
    """The stores, called a, b, c; with `failures` errors of single ones are tolerated."""
    skip = None if failures is None else failures.append
    return StoreSet.open(files, "abc"[: len(files)], skip)


@pytest.mark.parametrize("change", REQUESTS)
@pytest.mark.parametrize("cuts", [(0, 20, 60), (0, 59, 60), (0, 10, 30, 60)])
def test_hits_are_those_of_one_store(
    tmp_path: Path, cuts: tuple[int, ...], change: Callable[[SearchRequest], SearchRequest]
) -> None:
    """The same entries in the same order with the same scores; each names its store."""
    whole = Store.open(make_store(tmp_path / "whole.rms", slice(None)))
    parts = [slice(*pair) for pair in pairwise(cuts)]
    files = [make_store(tmp_path / f"{place}.rms", part) for place, part in enumerate(parts)]
    stores = open_set(files)
    names = dict(zip((each.subproblem for each in entries(ROWS)), range(ROWS), strict=True))

    for query in QUERIES:
        request = change(SearchRequest(query))
        expected, found = whole.search(request), stores.search(request)
        assert [hit.entry.subproblem for hit in found] == [hit.entry.subproblem for hit in expected]
        assert [hit.similarity for hit in found] == pytest.approx(
            [hit.similarity for hit in expected], abs=1e-6
        )
        for hit in found:
            row = names[hit.entry.subproblem]
            place = next(i for i, part in enumerate(parts) if part.start <= row < part.stop)
            assert hit.key == ("abc"[place], row - parts[place].start + 1)
    stores.close()
    whole.close()


def test_one_store_stays_without_a_name(tmp_path: Path) -> None:
    """Its hits are those of the store itself."""
    stores = open_set([make_store(tmp_path / "a.rms", slice(0, 9))])
    request = SearchRequest(QUERIES[0])

    assert stores.search(request) == stores.stores[0].search(request)
    assert stores.sample_hits(3, 1)[0].store == ""
    assert stores.count_entries() == 9
    stores.close()


def test_an_empty_store_takes_part(tmp_path: Path) -> None:
    """Before anything is added to it, and alone."""
    files = [
        make_store(tmp_path / "a.rms", slice(0, 5)),
        make_store(tmp_path / "b.rms", slice(0, 0)),
    ]
    stores, empty = open_set(files), open_set([files[1], files[1]])
    request = SearchRequest(QUERIES[0], "zorb", diversity=0.75)

    assert len(stores.search(request)) == 5
    assert empty.search(request) == []
    assert empty.sample_hits(3, 0) == []
    stores.close()
    empty.close()


def test_twins_are_one_hit_and_namesakes_two(tmp_path: Path) -> None:
    """The same two texts in two stores are shown once; another procedure is another entry."""
    (entry,), rows = entries(1), vectors(1)
    other = replace(entry, subroutine="I should do it another way.")
    paths = [tmp_path / "a.rms", tmp_path / "b.rms"]
    for path, held in zip(paths, ([entry], [other, entry]), strict=True):
        with Store.create(path, embedder=TOY) as store:
            store.add_entries(held, np.repeat(rows, len(held), axis=0))
    stores = open_set(paths)

    found = stores.search(SearchRequest(rows[0]))

    assert [(hit.store, hit.entry.subroutine) for hit in found] == [
        ("a", entry.subroutine),
        ("b", other.subroutine),
    ]
    stores.close()


def test_samples_are_of_all_stores(tmp_path: Path) -> None:
    """Distinct, as many as asked for or as there are, and repeatable."""
    files = [
        make_store(tmp_path / "a.rms", slice(0, 4)),
        make_store(tmp_path / "b.rms", slice(4, 10)),
    ]
    stores = open_set(files)

    drawn = stores.sample_hits(6, 3)
    assert len({hit.key for hit in drawn}) == 6
    assert {hit.store for hit in drawn} == {"a", "b"}
    assert stores.sample_hits(6, 3) == drawn
    assert len(stores.sample_hits(100, 0)) == 10
    stores.close()


def fail(*_: object) -> list[Entry]:
    """A store that cannot be read."""
    raise StoreError("The disk fails.")


@pytest.mark.parametrize("method", ["rank_entries", "read_vectors", "get"])
def test_a_store_that_fails_is_left_out(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it fails; without leave to skip it the error is raised."""
    files = [
        make_store(tmp_path / "a.rms", slice(0, 5)),
        make_store(tmp_path / "b.rms", slice(5, 9)),
    ]
    failures: list[StoreError] = []
    lenient, strict = open_set(files, failures), open_set(files)
    for stores in (lenient, strict):
        monkeypatch.setattr(stores.stores[1], method, fail)

    found = lenient.search(SearchRequest(QUERIES[0]))

    assert {hit.store for hit in found} == {"a"}
    assert len(found) == 5
    assert "The disk fails." in str(failures[0])
    with pytest.raises(StoreError, match="The disk fails"):
        strict.search(SearchRequest(QUERIES[0]))
    monkeypatch.setattr(lenient.stores[0], method, fail)
    with pytest.raises(StoreError, match="The disk fails"):
        lenient.search(SearchRequest(QUERIES[0]))
    lenient.close()
    strict.close()


def test_opening_leaves_out_what_does_not_fit(tmp_path: Path) -> None:
    """A missing store and one of another embedder, if others can be opened and it may."""
    good, missing = make_store(tmp_path / "a.rms", slice(0, 5)), tmp_path / "none.rms"
    other = tmp_path / "other.rms"
    Store.create(other, embedder=EmbedderId("else", 16, "1" * 64)).close()
    failures: list[StoreError] = []

    stores = open_set([missing, good, other], failures)

    assert (len(stores.stores), stores.names) == (1, ("",))
    assert [type(each) for each in failures] == [StoreNotFoundError, EmbedderMismatchError]
    stores.close()
    with pytest.raises(EmbedderMismatchError):
        open_set([good, other])
    with pytest.raises(StoreNotFoundError):
        open_set([good, missing])
    with pytest.raises(StoreNotFoundError):
        open_set([missing, missing], [])

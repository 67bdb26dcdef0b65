"""The seed store: fit entries, found by what people ask, and the shipped file up to date."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.seed import build
from models.seed.checks import find_entry_faults, find_near_duplicates
from rm_local import paths
from rm_local.embed.bulk import embed_with_minilm
from rm_local.embed.minilm import MINILM
from rm_local.embed.probe_sentences import PROBES, PROBES_SHA256
from rm_local.records import Entry
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store

GOOD = Entry("How to add?", "I should " + "add " * 70, "math", "hand/sums")


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """The entries, as the command collects them."""
    return build.list_seed_entries()


def write_store(path: Path, entries: list[Entry]) -> None:
    """The store at `path` of these entries, as the command writes it."""
    vectors = embed_with_minilm([entry.subproblem for entry in entries])
    build.build_seed_store(path, entries, vectors, embed_with_minilm(PROBES))


@pytest.fixture(scope="module")
def built(entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made of them now."""
    path = tmp_path_factory.mktemp("seed") / "seed.rms"
    write_store(path, entries)
    return path


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (replace(GOOD, subproblem=" "), "subproblem is empty"),
        (replace(GOOD, domain=""), "domain is empty"),
        (replace(GOOD, subroutine="I should add."), "3 words"),
        (replace(GOOD, subroutine="I " * 201), "201 words"),
        (replace(GOOD, subroutine="one should " + "add " * 70), "first person"),
        (replace(GOOD, subroutine="I " * 70, subproblem="how to  ADD"), "the same"),
    ],
)
def test_what_is_not_fit_is_named(wrong: Entry, fault: str) -> None:
    """Each fault is reported with the entry's source."""
    found = find_entry_faults([GOOD, wrong])
    assert any(fault in each and each.startswith("hand/sums") for each in found)
    assert find_entry_faults([GOOD]) == []


def test_near_duplicates_are_pairs_above_a_cosine() -> None:
    """Each pair once, none with itself."""
    rows = np.array([[1, 0], [0, 1], [0.999, 0.04]], np.float32)
    (pair,) = find_near_duplicates([replace(GOOD, id=i) for i in (1, 2, 3)], rows)
    assert (pair.one.id, pair.other.id) == (1, 3)


def test_all_entries_are_fit(entries: list[Entry]) -> None:
    """None is empty, double or of the wrong length; at least 60 are written by hand."""
    assert find_entry_faults(entries) == []
    assert sum(entry.source.startswith("hand/") for entry in entries) >= 60


def test_building_again_gives_the_same(built: Path, entries: list[Entry]) -> None:
    """The same entries in the same order, under an existing file's name too, and no other file."""
    with Store.open(built, embedder=MINILM) as store:
        before = store.get(range(1, store.count_entries() + 1))
    write_store(built, entries)
    with Store.open(built) as store:
        assert store.get(range(1, store.count_entries() + 1)) == before
    assert [replace(entry, id=0) for entry in before] == entries
    assert os.listdir(built.parent) == [built.name]


def test_every_entry_is_found_by_its_own_subproblem(built: Path, entries: list[Entry]) -> None:
    """It comes first, with a cosine of 1."""
    vectors = embed_with_minilm([entry.subproblem for entry in entries])
    with Store.open(built) as store:
        for number, (entry, vector) in enumerate(zip(entries, vectors, strict=True), 1):
            (hit,) = store.search(SearchRequest(vector, entry.subproblem, k=1))
            assert hit.entry.id == number
            assert hit.similarity > 0.999


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("how do I add fractions with different denominators", "add two fractions"),
        ("my loop runs one time too many", "off-by-one"),
        ("what is the energy of motion of a car", "kinetic energy"),
    ],
)
def test_questions_find_their_entry(built: Path, question: str, words: str) -> None:
    """What a person would type finds the entry first."""
    with Store.open(built) as store:
        (hit,) = store.search(SearchRequest(embed_with_minilm([question])[0], question, k=1))
    assert words in hit.entry.subproblem


def test_the_shipped_store_is_up_to_date(entries: list[Entry]) -> None:
    """It holds exactly these entries; `python -m models.seed.build` makes it so."""
    with Store.open(paths.shipped_store(), embedder=MINILM) as store:
        shipped = store.get(range(1, store.count_entries() + 1))
        spread = store.read_spread(PROBES_SHA256)
    assert [replace(entry, id=0) for entry in shipped] == entries
    assert spread is not None
    assert spread.entries == len(entries)

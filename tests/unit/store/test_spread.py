"""The scale of a store's similarities: measured, kept in the file, read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rm_local.errors import ReadOnlyStoreError
from rm_local.store import (
    SearchRequest,
    Store,
    UnrelatedSimilaritySpread,
    measure_unrelated_similarity_spread,
    repair_store,
    summarize_unrelated_similarities,
)
from tests.support.damage import change
from tests.support.stores import TOY, entries, toy_store, vectors

DIGEST = "9f" * 32
"""What the digest of probe sentences looks like."""
SPREAD = UnrelatedSimilaritySpread(0.3, 0.05, 12)


def test_it_is_the_median_of_the_best_similarities_and_their_width() -> None:
    """A single outlier moves neither; the width is that of a normal distribution."""
    spread = summarize_unrelated_similarities(np.array([0.1, 0.2, 0.3, 0.4, 9.0]), 12)

    assert spread.middle == pytest.approx(0.3)
    assert spread.width == pytest.approx(0.1483, abs=1e-4)
    assert summarize_unrelated_similarities(np.full(5, 0.3), 12).width > 0


def test_a_probe_that_is_an_entry_has_similarity_one(tmp_path: Path) -> None:
    """And to an empty store every similarity is 0."""
    with Store.open(toy_store(tmp_path / "toy.rms")) as store:
        spread = measure_unrelated_similarity_spread(store, vectors(12))
    with Store.create(tmp_path / "empty.rms", embedder=TOY) as empty:
        nothing = measure_unrelated_similarity_spread(empty, vectors(12))

    assert spread.middle == pytest.approx(1.0, abs=0.01)
    assert spread.entries == 12
    assert (nothing.middle, nothing.entries) == (0.0, 0)


def test_it_is_kept_in_the_file(tmp_path: Path) -> None:
    """Of the probe sentences that it was measured over, and of no others."""
    path = toy_store(tmp_path / "toy.rms")
    with Store.open(path, write=True) as store:
        assert store.read_spread(DIGEST) is None
        store.write_spread(UnrelatedSimilaritySpread(0.1, 0.1, 3), "00" * 32)
        store.write_spread(SPREAD, DIGEST)
    with Store.open(path) as store:
        assert store.read_spread(DIGEST) == SPREAD
        assert store.read_spread("00" * 32) is None
        assert store.verify() == []
        with pytest.raises(ReadOnlyStoreError):
            store.write_spread(SPREAD, DIGEST)


def test_it_fits_until_a_tenth_of_the_entries_have_changed() -> None:
    """In either direction."""
    held = UnrelatedSimilaritySpread(0.3, 0.05, 100)

    assert all(held.is_current(count) for count in (90, 100, 110))
    assert not any(held.is_current(count) for count in (0, 89, 111))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[" * 100_000,
        '{"middle": 1, "width": 0, "entries": 1}',
        '{"middle": NaN, "width": 1, "entries": 1}',
        '{"middle": 1, "width": Infinity, "entries": 1}',
        '{"middle": 1, "width": 1, "entries": Infinity}',
        f'{{"middle": 1{"0" * 400}, "width": 1, "entries": 1}}',
    ],
)
def test_a_text_without_a_spread_is_ignored(text: str) -> None:
    """It is measured again then."""
    assert UnrelatedSimilaritySpread.from_json(text) is None
    assert UnrelatedSimilaritySpread.from_json(SPREAD.as_json()) == SPREAD


def test_a_store_that_grows_keeps_it(tmp_path: Path) -> None:
    """Additions touch nothing of it; whoever reads it sees how many entries it was of."""
    path = toy_store(tmp_path / "toy.rms")
    with Store.open(path, write=True) as store:
        store.write_spread(SPREAD, DIGEST)
        store.add_entries(entries(3), vectors(3, seed=5))
        found = store.read_spread(DIGEST)

        assert found == SPREAD
        assert not found.is_current(store.count_entries())


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store of 12 entries that keeps its spread."""
    path = toy_store(tmp_path / "toy.rms")
    with Store.open(path, write=True) as store:
        store.write_spread(SPREAD, DIGEST)
    return path


@pytest.mark.parametrize("value", ["'damaged'", "x'00ff'", "CAST(x'ff' AS TEXT)", "7"])
def test_a_damaged_one_refuses_no_store(kept: Path, value: str) -> None:
    """It is measured again; `verify` reports it alone, and the repair leaves it out."""
    change(kept, f"UPDATE meta SET value = {value} WHERE key = 'spread'")
    with Store.open(kept) as store:
        assert store.read_spread(DIGEST) is None
        assert len(store.search(SearchRequest(vectors(1)[0], k=3))) == 3
        (fault,) = store.verify()
    repaired = repair_store(kept)

    assert fault.startswith("meta")
    assert repaired is not None
    assert (repaired.entries, repaired.lost) == (12, [])
    assert any("'spread' in meta was left out" in each for each in repaired.mended)
    with Store.open(kept) as store:
        assert store.verify() == []
        assert store.read_spread(DIGEST) is None


def test_the_repair_of_other_damage_keeps_a_whole_one(kept: Path) -> None:
    """Nothing has to be measured again."""
    change(kept, "UPDATE meta SET value = 7 WHERE key = 'entries'")
    assert repair_store(kept) is not None

    with Store.open(kept) as store:
        assert store.read_spread(DIGEST) == SPREAD

"""Search parameters: what a build finds out about how far a search must look, and the scans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import numpy as np
import pytest

from rm_local.errors import CorruptStoreError
from rm_local.store.build.pipeline import build_store
from rm_local.store.index import ivf
from rm_local.store.index.search import Searcher
from rm_local.store.request import SearchRequest
from rm_local.store.sqlite.meta import SearchParams, get_default_search_params
from rm_local.store.store import Store
from tests.support.faults.stores import MADE
from tests.support.stores import MadeSource

ROWS = 6000


@pytest.fixture(scope="module")
def source() -> MadeSource:
    """6,000 rows around sixty topics."""
    return MadeSource(ROWS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, source: MadeSource) -> Iterator[Store]:
    """A store of them with a hundred clusters."""
    path = tmp_path_factory.mktemp("params") / "made.rms"
    build_store(path, source, embedder=MADE, clusters=100)
    with Store.open(path) as opened:
        yield opened


def test_a_store_without_clusters_still_has_candidates() -> None:
    """As many as a new store; with clusters there are more, the more of them."""
    assert get_default_search_params(0) == SearchParams()
    assert (
        0 < get_default_search_params(4).candidates < get_default_search_params(64_000).candidates
    )


def nearest_by_sqlite_vec(store: Store, bits: bytes, wanted: int, condition: str) -> list[int]:
    """Keys of the nearest rows of all, as sqlite-vec itself finds them."""
    found = store._connection.execute(
        f"SELECT CAST(distance AS INTEGER) << {ivf.ID_BITS} | id FROM code"
        f" WHERE e MATCH vec_bit(?) AND k = 4096 {condition}",
        (bits,),
    )
    return sorted(row[0] for row in found)[:wanted]


@pytest.mark.parametrize("wanted", [1, 300])
def test_clusters_give_what_sqlite_vec_gives(store: Store, source: MadeSource, wanted: int) -> None:
    """The same rows in the same order; of those equally far away the lowest ids."""
    searcher: Searcher = store._searcher
    clusters = np.arange(len(searcher.centroids))
    for unit in source.vectors[::600]:
        bits = searcher.quantizer.encode_sign_bits(unit[np.newaxis])[0].tobytes()
        found = ivf.scan_clusters(searcher._readers, bits, wanted, clusters).keys
        assert found.tolist() == nearest_by_sqlite_vec(store, bits, wanted, "")


def test_labels_narrow_before_the_nearest_are_chosen(store: Store, source: MadeSource) -> None:
    """So that as many are found as are wanted, where there are so many."""
    searcher: Searcher = store._searcher
    clusters = np.arange(len(searcher.centroids))
    bits = searcher.quantizer.encode_sign_bits(source.vectors[:1])[0].tobytes()
    held = [label for (label,) in store._connection.execute("SELECT DISTINCT label FROM ref")]
    label = held[-1]
    assert isinstance(label, int)
    labels = np.array([label])
    found = ivf.scan_clusters(searcher._readers, bits, 20, clusters, labels).keys
    assert found.tolist() == nearest_by_sqlite_vec(store, bits, 20, f"AND label = {label}")
    none = np.empty(0, np.int64)
    assert len(ivf.scan_clusters(searcher._readers, bits, 20, clusters, none).keys) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE code_vector_chunks00 SET vectors = substr(vectors, 2)",
        "DELETE FROM code_vector_chunks00",
        "UPDATE code_chunks SET rowids = substr(rowids, 2)",
    ],
)
def test_chunks_that_do_not_fit_together_are_damage(
    tmp_path: Path, source: MadeSource, damage: str
) -> None:
    """A search says so instead of finding less."""
    path = tmp_path / "damaged.rms"
    build_store(path, source, embedder=MADE, clusters=100)
    connection = apsw.Connection(str(path))
    connection.execute(damage)
    connection.close()
    with Store.open(path) as store, pytest.raises(CorruptStoreError):
        store.search(SearchRequest(source.vectors[0]))


def test_the_querys_own_floats_order_what_the_bits_have_found() -> None:
    """By the inner product with each row's signs; rows that it cannot distinguish as they stood."""
    found = ivf.SignBitCandidates(
        np.array([3 << ivf.ID_BITS | 7, 4 << ivf.ID_BITS | 9, 4 << ivf.ID_BITS | 11]),
        np.array([[0b0001], [0b0110], [0b0110]], np.uint8),
    )
    rotated = np.array([0.5, 0.4, 0.3, -0.1, 0, 0, 0, 0], np.float32)
    assert found.rank_ids(rotated).tolist() == [9, 11, 7]


def test_of_rows_as_far_away_the_lowest_ids_are_kept() -> None:
    """Whatever part they come from."""
    parts = [
        ivf.SignBitCandidates(np.array([5 << ivf.ID_BITS | id]), np.array([[id]], np.uint8))
        for id in (4, 2, 3)
    ]
    kept = ivf.SignBitCandidates.merge_nearest(parts, 2)
    assert (kept.extract_ids().tolist(), kept.bits.ravel().tolist()) == ([2, 3], [2, 3])
    assert ivf.SignBitCandidates.merge_nearest(parts, 9).extract_ids().tolist() == [2, 3, 4]

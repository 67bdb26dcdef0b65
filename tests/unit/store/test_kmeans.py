"""Clusters: rotations, centres and the way rows are given to them."""

from __future__ import annotations

import numpy as np
import pytest

from rm_local.store.index import centroids as centroids_module
from rm_local.store.index.centroids import Centroids
from rm_local.store.index.ivf import select_clusters
from rm_local.store.index.kmeans import (
    TwoLevelCentroids,
    compute_two_level_clusters,
    draw_random_rotation,
    find_nearest_centroids,
    fit_itq_rotation,
    run_spherical_k_means,
)
from tests.support.stores import topics, vectors


def rng() -> np.random.Generator:
    """Always the same draws."""
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """3,000 rows of length 1 around thirty topics."""
    return topics(3000, dimension=32, count=30)


@pytest.fixture(scope="module")
def clusters(rows: np.ndarray) -> TwoLevelCentroids:
    """About 60 clusters of these rows."""
    return compute_two_level_clusters(rows, 60, rng())


def test_rotations_keep_lengths_and_angles(rows: np.ndarray) -> None:
    """Both kinds are orthogonal."""
    centred = rows - rows.mean(axis=0)
    for rotation in (draw_random_rotation(32, rng()), fit_itq_rotation(centred, rng())):
        assert np.allclose(rotation @ rotation.T, np.eye(32), atol=1e-4)


def test_itq_brings_rows_nearer_to_their_signs(rows: np.ndarray) -> None:
    """What the signs lose is less than under a random rotation."""
    centred = rows - rows.mean(axis=0)

    def held(rotation: np.ndarray) -> float:
        return float(np.abs(centred @ rotation).sum())

    assert held(fit_itq_rotation(centred, rng())) > held(draw_random_rotation(32, rng()))


def test_k_means_finds_what_belongs_together() -> None:
    """Of five far-apart topics each gets a centre of its own."""
    rows = topics(500, dimension=32, count=5, spread=0.1)
    centres = run_spherical_k_means(rows, 5, rng(), rounds=20)
    assert len(set(find_nearest_centroids(rows, centres).tolist())) == 5
    assert np.allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)


def test_there_are_no_more_centers_than_rows() -> None:
    """Asking for more gives one a row."""
    assert run_spherical_k_means(vectors(3), 10, rng()).shape == (3, 16)


def test_clusters_are_ordered_by_super_cluster(
    rows: np.ndarray, clusters: TwoLevelCentroids
) -> None:
    """`starts` parts the centres without gap, about as many as asked for, all of length 1."""
    assert clusters.starts[0] == 0
    assert clusters.starts[-1] == len(clusters.centroids)
    assert (np.diff(clusters.starts) > 0).all()
    assert 45 <= len(clusters.centroids) <= 75
    assert np.allclose(np.linalg.norm(clusters.centroids, axis=1), 1, atol=1e-5)


def test_a_full_beam_gives_the_nearest_centre(
    rows: np.ndarray, clusters: TwoLevelCentroids
) -> None:
    """With all super-clusters asked, the assignment is exact; with a few near ones nearly."""
    exact = find_nearest_centroids(rows, clusters.centroids)
    assert np.array_equal(clusters.assign_rows(rows, len(clusters.supers), margin=2), exact)
    assert (clusters.assign_rows(rows, beam=4, margin=2) == exact).mean() > 0.95
    assert (clusters.assign_rows(rows) == exact).mean() > 0.95


def test_one_row_is_given_the_cluster_that_it_would_get_among_others(
    rows: np.ndarray, clusters: TwoLevelCentroids
) -> None:
    """A row by itself goes another way, to the same place."""
    together = clusters.assign_rows(rows[:200]).tolist()
    assert [int(clusters.assign_rows(row[np.newaxis])[0]) for row in rows[:200]] == together


def test_a_new_row_goes_to_the_nearest_centre(
    rows: np.ndarray, clusters: TwoLevelCentroids
) -> None:
    """As a bulk build finds it, and to cluster 0 where there are none."""
    centres = Centroids.from_centroid_rows(clusters.centroids, clusters.starts)
    assert (
        centres.assign_rows(rows) == find_nearest_centroids(rows, clusters.centroids)
    ).mean() > 0.95
    none = Centroids.from_centroid_rows(np.zeros((0, 32), np.float32), np.zeros(1, np.int64))
    assert none.assign_rows(rows[:2]).tolist() == [0, 0]


def test_centres_of_far_super_clusters_are_not_compared(
    rows: np.ndarray, clusters: TwoLevelCentroids, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are many; those of near ones get their cosines."""
    centres = Centroids.from_centroid_rows(clusters.centroids, clusters.starts)
    exact = clusters.centroids @ rows[0]
    assert np.allclose(centres.compute_similarities_skipping_far(rows[0]), exact, atol=1e-5)
    monkeypatch.setattr(centroids_module, "MANY_CENTROIDS", 1)
    some = centres.compute_similarities_skipping_far(rows[0])
    assert 0 < (some == -1).mean() < 1
    assert np.allclose(some[some > -1], exact[some > -1], atol=1e-5)
    assert some.argmax() == exact.argmax()


def test_clusters_are_asked_nearest_first(rows: np.ndarray, clusters: TwoLevelCentroids) -> None:
    """At most so many, in order of distance, and with little slack fewer of them."""
    similarity = clusters.centroids @ rows[0]
    asked = select_clusters(clusters.centroids @ rows[0], nprobe=8, slack=100)
    assert asked.tolist() == np.argsort(-similarity)[:8].tolist()
    strict = select_clusters(clusters.centroids @ rows[0], nprobe=8, slack=0.0)
    assert strict.tolist() == asked[:1].tolist()
    assert len(select_clusters(clusters.centroids @ rows[0], nprobe=999, slack=100)) == len(
        similarity
    )

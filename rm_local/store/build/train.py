"""Trains the parameters of a bulk build on a sample: mean, rotation, clusters, dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np

from rm_local.arrays import Floats
from rm_local.files import write_atomically
from rm_local.store.build.process_pool import TaskPool
from rm_local.store.build.source import EntrySource
from rm_local.store.build.spec import BuildSpec
from rm_local.store.codec.code_frames import (
    SAMPLE_ROWS,
    train_code_dictionary_on_random_vectors,
    train_code_dictionary_or_empty,
)
from rm_local.store.codec.quantize import Quantizer, fit_quantization_step
from rm_local.store.codec.text_blocks import (
    TextCodec,
    check_and_join_texts,
    train_text_dictionary_or_empty,
)
from rm_local.store.format import BLOCK_ROWS
from rm_local.store.index.centroids import ROWS_FOR_A_CLUSTER
from rm_local.store.index.kmeans import (
    TwoLevelCentroids,
    compute_two_level_clusters,
    draw_random_rotation,
    find_nearest_centroids,
    fit_itq_rotation,
)
from rm_local.store.index.search import SCANNED_ROWS
from rm_local.system import count_usable_processors

GOOD_CLUSTER_ROWS, MAX_GOOD_SAMPLE = 80, 160_000
"""Sample rows per cluster in a build of few clusters, and the maximum size of a sample with so many
for each. Training takes 8 s longer than with ROWS_FOR_A_CLUSTER; in a store of a million entries
searches then compare a seventh fewer rows, with better recall (docs/measurements/store.md)."""

SAMPLED_BLOCKS = 1024
"""Maximum number of sampled blocks, evenly distributed over the source. Neighbouring rows are
alike: with clusters trained on 64 blocks searches found 3 % less (docs/measurements/store.md)."""

SAMPLED_TEXTS = 8000
ROTATED_ROWS = 20_000
QUESTIONS = 100
ASKED_ROWS = 4000
MIX_WEIGHTS = (0.5, 0.3, 0.2)
"""Weights with which a query for calibration is mixed from three rows of a super-cluster, because a
real question is not a row of the store either."""
ROWS_FOR_ITQ = 10
"""Minimum sample rows per dimension for a rotation by ITQ; with fewer it would overfit."""


@dataclass(frozen=True)
class TrainingSample:
    """Rows sampled from all parts of a build's source, for training its parameters."""

    unit_vectors: Floats
    """Sampled vectors: an array (n, d) with rows of length 1."""
    texts: list[bytes]
    """Texts of some sampled entries, joined by `check_and_join_texts`."""


@dataclass(frozen=True)
class TrainedParams:
    """Parameters of a build, trained on a sample: quantization, clusters, dictionaries, sizes."""

    mean: Floats
    rotation: Floats | None
    """Rotation (d, d) before signs are taken; None in a small store, which never compares them."""
    step: float
    """Quantization step of the ranking codes: component per int8 unit."""
    clusters: TwoLevelCentroids
    dictionary: bytes
    code_dictionary: bytes
    questions: Floats
    """Queries for calibrating the store's search: an array (n, d) with rows of length 1."""
    text_bytes: float
    """Average bytes of an entry's texts, compressed in blocks."""
    raw_bytes: float
    """Average bytes of an entry's texts, uncompressed."""

    def write_npz(self, path: Path) -> None:
        """Write the trained parameters to the .npz file `path`, atomically."""
        with write_atomically(path) as file:
            np.savez(
                file,
                mean=self.mean,
                rotation=np.empty(0) if self.rotation is None else self.rotation,
                supers=self.clusters.supers,
                centres=self.clusters.centroids,
                starts=self.clusters.starts,
                dictionary=np.frombuffer(self.dictionary, np.uint8),
                code_dictionary=np.frombuffer(self.code_dictionary, np.uint8),
                step=self.step,
                questions=self.questions,
                bytes=np.array([self.text_bytes, self.raw_bytes]),
            )

    @classmethod
    def read_npz(cls, path: Path) -> Self:
        """Return the trained parameters from an .npz file written by `write_npz`."""
        with np.load(path) as held:
            compressed, raw = held["bytes"].tolist()
            return cls(
                held["mean"],
                held["rotation"] if held["rotation"].size else None,
                float(held["step"]),
                TwoLevelCentroids(held["supers"], held["centres"], held["starts"]),
                held["dictionary"].tobytes(),
                held["code_dictionary"].tobytes(),
                held["questions"],
                compressed,
                raw,
            )


def take_sample(
    source: EntrySource,
    spec: BuildSpec,
    pool: TaskPool,
    on_share: Callable[[float], None] = lambda _: None,
) -> TrainingSample:
    """Sample rows of the source for training, equally many from each of at most SAMPLED_BLOCKS
    blocks.

    Neighbouring rows are often alike, so a few are taken from each of many blocks. `on_share` gets
    the completed share, 0 to 1.
    """
    least = max(ROWS_FOR_A_CLUSTER * spec.clusters, SAMPLED_TEXTS)
    wanted = min(spec.rows, max(least, min(GOOD_CLUSTER_ROWS * spec.clusters, MAX_GOOD_SAMPLE)))
    blocks = -(-spec.rows // source.block_rows)
    chosen = np.unique(np.linspace(0, blocks - 1, min(blocks, SAMPLED_BLOCKS)).astype(int))
    draw = partial(_sample_block, source, spec.seed, -(-wanted // len(chosen)))
    texts = -(-SAMPLED_TEXTS // len(chosen))
    found = []
    for drawn in pool.map_ahead(draw, [(int(number), texts) for number in chosen]):
        found.append(drawn)
        on_share(len(found) / len(chosen))
    rows = np.concatenate([vectors for vectors, _ in found])
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
    return TrainingSample(rows, [text for _, taken in found for text in taken])


def _sample_block(
    source: EntrySource, seed: int, rows: int, number: int, texts: int
) -> tuple[Floats, list[bytes]]:
    """Return the vectors of `rows` random rows of block `number`, and the texts of some of them.

    Texts of `texts` rows are returned, joined by `check_and_join_texts`. A block with fewer rows
    gives fewer.
    """
    entries, vectors = source.read_block(number)
    rng = np.random.default_rng((seed, number))
    order = rng.permutation(len(entries))[:rows]
    taken = [entries[place] for place in order[:texts].tolist()]
    return (
        np.asarray(vectors[order], np.float32),
        [check_and_join_texts(entry.subproblem, entry.subroutine) for entry in taken],
    )


def train_params(
    sample: TrainingSample, spec: BuildSpec, on_share: Callable[[float], None] = lambda _: None
) -> TrainedParams:
    """Train all parameters of a build. The same sample and spec always give the same result.

    `on_share` gets the completed share of the clustering, which takes nearly all of the time.
    """
    rng = np.random.default_rng(spec.seed)
    mean = sample.unit_vectors.mean(axis=0)
    dimension = sample.unit_vectors.shape[1]
    step = fit_quantization_step(sample.unit_vectors[:SAMPLE_ROWS])
    steps = Quantizer(dimension, step).to_int8(sample.unit_vectors[:SAMPLE_ROWS])
    dictionary = train_text_dictionary_or_empty(
        [text.decode("utf-8", "replace") for text in sample.texts]
    )
    clusters = compute_two_level_clusters(
        sample.unit_vectors, spec.clusters, rng, count_usable_processors(), on_share
    )
    return TrainedParams(
        mean,
        _fit_or_draw_rotation_if_needed(sample.unit_vectors, mean, spec, rng),
        step,
        clusters,
        dictionary,
        train_code_dictionary_or_empty(steps) or train_code_dictionary_on_random_vectors(dimension),
        _make_calibration_queries(sample.unit_vectors, clusters, rng),
        *_measure_average_text_bytes(sample.texts, dictionary, spec.level),
    )


def _fit_or_draw_rotation_if_needed(
    unit_vectors: Floats, mean: Floats, spec: BuildSpec, rng: np.random.Generator
) -> Floats | None:
    """Return a rotation (d, d) fitted to the vectors, a random one if they are few.

    None if the store will be so small that searches never compare sign bits.
    """
    dimension = unit_vectors.shape[1]
    if spec.rows <= SCANNED_ROWS:
        return None
    if len(unit_vectors) < ROWS_FOR_ITQ * dimension:
        return draw_random_rotation(dimension, rng)
    few = rng.choice(len(unit_vectors), min(ROTATED_ROWS, len(unit_vectors)), replace=False)
    return fit_itq_rotation(unit_vectors[few] - mean, rng)


def _make_calibration_queries(
    unit_vectors: Floats, clusters: TwoLevelCentroids, rng: np.random.Generator
) -> Floats:
    """Mix rows of a super-cluster into queries for calibration: an array (n, d) of length 1.

    There are QUESTIONS queries, or as many as vectors if these are fewer.
    """
    rows = unit_vectors[
        rng.choice(len(unit_vectors), min(ASKED_ROWS, len(unit_vectors)), replace=False)
    ]
    supers = find_nearest_centroids(rows, clusters.supers)
    found = []
    for first in range(min(QUESTIONS, len(rows))):
        near = rows[supers == supers[first]]
        found.append(
            np.array(MIX_WEIGHTS, np.float32) @ near[rng.integers(0, len(near), len(MIX_WEIGHTS))]
        )
    asked = np.array(found, np.float32)
    lengths = np.linalg.norm(asked, axis=1, keepdims=True)
    return np.asarray(asked / lengths, dtype=np.float32)


def _measure_average_text_bytes(
    texts: Sequence[bytes], dictionary: bytes, level: int
) -> tuple[float, float]:
    """Return the average bytes of an entry's texts: compressed in blocks, and uncompressed."""
    codec = TextCodec(dictionary, level)
    blocks = [texts[i : i + BLOCK_ROWS] for i in range(0, len(texts), BLOCK_ROWS)]
    rows = max(len(texts), 1)
    return sum(len(codec.pack_rows(block)) for block in blocks) / rows, sum(map(len, texts)) / rows

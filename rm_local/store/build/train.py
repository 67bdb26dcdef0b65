"""What a bulk build learns from a sample: mean, rotation, clusters and dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np

from rm_local.arrays import Floats
from rm_local.files import write_atomically
from rm_local.store.build.process_pool import Pool
from rm_local.store.build.source import EntrySource
from rm_local.store.build.spec import Plan
from rm_local.store.codec.code_frames import SAMPLE_ROWS, default_dictionary, train_code_dictionary
from rm_local.store.codec.quantize import Quantizer, fit_step
from rm_local.store.codec.text_blocks import TextCodec, join_texts, train_dictionary
from rm_local.store.format import BLOCK_ROWS
from rm_local.store.index.centroids import ROWS_FOR_A_CLUSTER
from rm_local.store.index.kmeans import (
    Clusters,
    find_clusters,
    find_nearest_centroids,
    itq_rotation,
    random_rotation,
)
from rm_local.store.index.search import SCANNED_ROWS
from rm_local.system import usable_cores

MORE_ROWS, AS_LONG_AS = 80, 160_000
"""For each cluster while the sample is no larger than this: better recall at a million rows from
a seventh fewer rows compared (docs/experiments.md), for 8 s of training."""

SAMPLED_BLOCKS = 1024
"""Blocks, evenly spread over the source, from which the sample is taken. Of 64, each by itself a
run of alike rows, clusters came out that find 3 % less (docs/experiments.md)."""

SAMPLED_TEXTS = 8000
ROTATED_ROWS = 20_000
QUESTIONS = 100
ASKED_ROWS = 4000
BETWEEN = (0.5, 0.3, 0.2)
"""Shares of three rows of one super-cluster in a question: it lies off the rows, as what people ask
does."""
ROWS_FOR_ITQ = 10
"""Sample rows for each dimension, below which ITQ would learn the sample by heart."""


@dataclass(frozen=True)
class Sample:
    """Rows from all over a source."""

    unit: Floats
    """(n, d), rows of length 1."""
    texts: list[bytes]
    """Rows as frames hold them."""


@dataclass(frozen=True)
class Trained:
    """What all rows of a build have in common."""

    mean: Floats
    rotation: Floats | None
    """None in a store so small that its bits are never asked."""
    step: float
    """Of the ranking codes."""
    clusters: Clusters
    dictionary: bytes
    code_dictionary: bytes
    questions: Floats
    """With which the finished store is tried, (n, d), of length 1."""
    text_bytes: float
    """Compressed bytes that the texts of one row of the sample take, in blocks."""
    raw_bytes: float
    """Bytes that they take as they are."""

    def save(self, path: Path) -> None:
        """Write it as one .npz."""
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
    def load(cls, path: Path) -> Self:
        """What `save` wrote."""
        with np.load(path) as held:
            compressed, raw = held["bytes"].tolist()
            return cls(
                held["mean"],
                held["rotation"] if held["rotation"].size else None,
                float(held["step"]),
                Clusters(held["supers"], held["centres"], held["starts"]),
                held["dictionary"].tobytes(),
                held["code_dictionary"].tobytes(),
                held["questions"],
                compressed,
                raw,
            )


def take_sample(source: EntrySource, plan: Plan, pool: Pool) -> Sample:
    """Rows for finding the plan's clusters, in equal parts from up to SAMPLED_BLOCKS blocks.

    Rows that follow one another are often alike, so a few from each of many places are taken.
    """
    least = max(ROWS_FOR_A_CLUSTER * plan.clusters, SAMPLED_TEXTS)
    wanted = min(plan.rows, max(least, min(MORE_ROWS * plan.clusters, AS_LONG_AS)))
    blocks = -(-plan.rows // source.block_rows)
    chosen = np.unique(np.linspace(0, blocks - 1, min(blocks, SAMPLED_BLOCKS)).astype(int))
    draw = partial(_drawn, source, plan.seed, -(-wanted // len(chosen)))
    texts = -(-SAMPLED_TEXTS // len(chosen))
    found = list(pool.ahead(draw, [(int(number), texts) for number in chosen]))
    rows = np.concatenate([vectors for vectors, _ in found])
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
    return Sample(rows, [text for _, taken in found for text in taken])


def _drawn(
    source: EntrySource, seed: int, rows: int, number: int, texts: int
) -> tuple[Floats, list[bytes]]:
    """Vectors of at most `rows` rows of a block, and texts of at most `texts` of them."""
    entries, vectors = source.block(number)
    rng = np.random.default_rng((seed, number))
    order = rng.permutation(len(entries))[:rows]
    taken = [entries[place] for place in order[:texts].tolist()]
    return (
        np.asarray(vectors[order], np.float32),
        [join_texts(entry.subproblem, entry.subroutine) for entry in taken],
    )


def train(sample: Sample, plan: Plan) -> Trained:
    """Mean, rotation, clusters and dictionary; the same for the same sample and plan."""
    rng = np.random.default_rng(plan.seed)
    mean = sample.unit.mean(axis=0)
    dimension = sample.unit.shape[1]
    step = fit_step(sample.unit[:SAMPLE_ROWS])
    steps = Quantizer(dimension, step).to_int8(sample.unit[:SAMPLE_ROWS])
    dictionary = train_dictionary([text.decode("utf-8", "replace") for text in sample.texts])
    clusters = find_clusters(sample.unit, plan.clusters, rng, usable_cores())
    return Trained(
        mean,
        _rotation(sample.unit, mean, plan, rng),
        step,
        clusters,
        dictionary,
        train_code_dictionary(steps) or default_dictionary(dimension),
        _questions(sample.unit, clusters, rng),
        *_text_bytes(sample.texts, dictionary, plan.level),
    )


def _rotation(unit: Floats, mean: Floats, plan: Plan, rng: np.random.Generator) -> Floats | None:
    dimension = unit.shape[1]
    if plan.rows <= SCANNED_ROWS:
        return None
    if len(unit) < ROWS_FOR_ITQ * dimension:
        return random_rotation(dimension, rng)
    few = rng.choice(len(unit), min(ROTATED_ROWS, len(unit)), replace=False)
    return itq_rotation(unit[few] - mean, rng)


def _questions(unit: Floats, clusters: Clusters, rng: np.random.Generator) -> Floats:
    """Points between rows that are somewhat alike, (QUESTIONS, d), of length 1."""
    rows = unit[rng.choice(len(unit), min(ASKED_ROWS, len(unit)), replace=False)]
    supers = find_nearest_centroids(rows, clusters.supers)
    found = []
    for first in range(min(QUESTIONS, len(rows))):
        near = rows[supers == supers[first]]
        found.append(np.array(BETWEEN, np.float32) @ near[rng.integers(0, len(near), len(BETWEEN))])
    asked = np.array(found, np.float32)
    lengths = np.linalg.norm(asked, axis=1, keepdims=True)
    return np.asarray(asked / lengths, dtype=np.float32)


def _text_bytes(texts: Sequence[bytes], dictionary: bytes, level: int) -> tuple[float, float]:
    """Bytes a row in blocks, and as it is."""
    codec = TextCodec(dictionary, level)
    blocks = [texts[i : i + BLOCK_ROWS] for i in range(0, len(texts), BLOCK_ROWS)]
    rows = max(len(texts), 1)
    return sum(len(codec.pack_rows(block)) for block in blocks) / rows, sum(map(len, texts)) / rows

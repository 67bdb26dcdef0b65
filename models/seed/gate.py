"""Fits the gate's coefficients: `python -m models.seed.gate` prints those of loop/gate.py.

Uses the half `fit` of questions/gate.jsonl alone, over the seed store and over parts of it: without
each domain, of each domain alone, and two random halves, so that the coefficients also hold for
stores in which fewer questions find something. A question counts as fitting where one of its
entries is among the first three hits, and as not fitting where the store has none of its entries.
`rm-local store gate` measures the gate as it is, on any store.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rm_local import paths
from rm_local.embed import (
    MINILM,
    PROBES,
    QueryEmbedder,
    find_minilm_gguf,
    load_shipped_static,
)
from rm_local.engine import Engine
from rm_local.loop import GateModel, compute_gate_features
from rm_local.options import EngineOptions
from rm_local.store import Store, summarize_unrelated_similarities

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]

QUESTIONS = Path(__file__).parent / "questions" / "gate.jsonl"
FIRST = 3
"""An entry counts as found if it is among this many first hits."""
POOL = 32
PENALTY = 0.1
"""Weight of the squared coefficients in the logistic regression; features are not scaled."""
SEED = 1


def main() -> None:
    """Print the fitted coefficients of the gate for both embedders."""
    with TemporaryDirectory() as folder:
        minilm = asyncio.run(_embed_by_minilm(Path(folder)))
    static = load_shipped_static()
    texts, subproblems, domains = _list_texts_to_embed()
    for name, vectors in ((MINILM.id, minilm), (static.id.id, static.embed(texts))):
        model = fit_gate(np.asarray(vectors, np.float32), subproblems, domains)
        values = ", ".join(f"{value:.2f}" for value in astuple(model))
        print(f'"{name}": GateModel({values}),')


def fit_gate(vectors: Floats, subproblems: Sequence[str], domains: Sequence[str]) -> GateModel:
    """Return the gate's model, fitted to all parts of the store.

    `vectors` is an array (n, d) of all texts of `_list_texts_to_embed`, in its order.
    """
    questions = [each for each in _read_questions() if each["half"] == "fit"]
    asked, probes, entries = np.split(vectors, [len(questions), len(questions) + len(PROBES)])
    rows, labels, weights = [], [], []
    whole: tuple[Doubles, Flags] | None = None
    for part in _list_store_parts(np.array(domains)):
        names = [name for name, kept in zip(subproblems, part, strict=True) if kept]
        features, found, fits = _compute_question_features(
            asked, probes, entries[part], questions, names
        )
        used = found | ~fits
        share = np.where(found, 1 / max(1, found.sum()), 1 / (~fits).sum())
        rows.append(features[used])
        labels.append(found[used])
        weights.append(100 * share[used])
        whole = whole or (features[used], found[used])
    assert whole is not None
    b = _fit_logistic(np.vstack(rows), np.concatenate(labels), np.concatenate(weights))
    scores = np.c_[whole[0], np.ones(len(whole[0]))] @ b
    nearness, prominence, lead, constant = map(float, b)
    threshold = _choose_threshold(scores, whole[1])
    return GateModel(nearness, prominence, lead, constant, threshold)


def _list_store_parts(domains: NDArray[np.str_]) -> Iterator[Flags]:
    """Yield a mask over the entries for each part of the store; the first part is all of it."""
    yield np.ones(len(domains), bool)
    for domain in sorted(set(domains)):
        yield domains != domain
        yield domains == domain
    half = np.random.default_rng(SEED).random(len(domains)) < 0.5
    yield half
    yield ~half


def _compute_question_features(
    asked: Floats,
    probes: Floats,
    entries: Floats,
    questions: Sequence[dict[str, Any]],
    names: Sequence[str],
) -> tuple[Doubles, Flags, Flags]:
    """Return, by question: features (n, 3), whether an entry is found, whether one exists."""
    near, to_probes = asked @ entries.T, probes @ entries.T
    spread = summarize_unrelated_similarities(to_probes.max(axis=1), len(entries))
    features, found, fits = [], [], []
    for similarities, question in zip(near, questions, strict=True):
        order = np.argsort(-similarities)[:POOL]
        read = compute_gate_features(similarities[order].tolist(), to_probes[:, order], spread, 0.0)
        features.append((read.nearness, read.prominence, read.lead))
        found.append(any(names[place] in question["entries"] for place in order[:FIRST]))
        fits.append(any(name in names for name in question["entries"]))
    return np.array(features), np.array(found), np.array(fits)


def _fit_logistic(features: Doubles, labels: Flags, weights: Doubles) -> Doubles:
    """Return the coefficients of the features and the constant, fitted by Newton's method."""
    rows = np.c_[features, np.ones(len(features))]
    penalty = PENALTY * np.diag([1.0] * features.shape[1] + [0.0])
    b = np.zeros(rows.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-rows @ b))
        slope = rows.T @ (weights * (p - labels)) + penalty @ b
        curvature = rows.T @ (rows * (weights * p * (1 - p))[:, None]) + penalty
        b -= np.linalg.solve(curvature, slope)
    return np.asarray(b)


def _choose_threshold(scores: Doubles, labels: Flags) -> float:
    """Return the score that maximizes the smaller of two shares.

    These are the share of found questions at or above it and of all other questions below it.
    """

    def smaller(threshold: float) -> float:
        kept, silent = scores[labels] >= threshold, scores[~labels] < threshold
        return float(min(kept.mean(), silent.mean()))

    ordered = np.unique(scores)
    between = (ordered[1:] + ordered[:-1]) / 2
    return float(max(between, key=smaller))


def _read_questions() -> list[dict[str, Any]]:
    lines = QUESTIONS.read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _list_texts_to_embed() -> tuple[list[str], list[str], list[str]]:
    """Return all texts to embed, then the store's subproblems and their domains.

    The texts are the questions for the fit, the probes, and the subproblems.
    """
    with Store.open(paths.shipped_store()) as store:
        entries = store.sample_entries(store.count_entries(), 0)
    asked = [each["question"] for each in _read_questions() if each["half"] == "fit"]
    subproblems = [entry.subproblem for entry in entries]
    return [*asked, *PROBES, *subproblems], subproblems, [entry.domain for entry in entries]


async def _embed_by_minilm(folder: Path) -> Floats:
    async with Engine(EngineOptions(threads=1), log=folder / "worker.log") as engine:
        await engine.load_embedder(find_minilm_gguf())
        embedder: QueryEmbedder = engine
        return await embedder.embed(_list_texts_to_embed()[0])


if __name__ == "__main__":
    main()

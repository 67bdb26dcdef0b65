"""Measures how well embedders find an entry by a question: `python -m models.static.measure`.

Every question is searched in one pool of texts: the subproblems of the seed store, of paraphrases
and of invented procedures, and descriptions of functions. Only vectors are compared, no words.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.nano.curriculum import heldout, imitate_typed_problem, invented, list_taken_names
from models.static.texts import Pair, TrainingMaterial, list_seed_subproblems
from rm_local.embed import StaticEmbedder

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
PARAPHRASES = Path(__file__).resolve().parents[2] / "tests" / "data" / "paraphrases.tsv"
SEED = 20_261
INVENTED = 2000
ASKED = 400
EACH = 8
"""Number of questions about each held-out family."""
ROUNDS = 100
"""Number of times that each process embeds all texts for the measurement of speed."""


@dataclass(frozen=True, slots=True)
class RetrievalQuality:
    """Share of questions with the right text first (hit1), in the first ten (hit10), and MRR."""

    hit1: float
    hit10: float
    mrr: float


@dataclass(frozen=True, slots=True)
class RetrievalTest:
    """A pool of texts, and questions of several kinds, each with the text of the pool to find."""

    pool: tuple[str, ...]
    kinds: dict[str, tuple[Pair, ...]]
    """By kind, pairs of a question and its right text in the pool."""

    def evaluate_embedder(self, embed: Embed) -> dict[str, RetrievalQuality]:
        """Return the quality of an embedder for each kind; ties count as wrong."""
        vectors = embed(self.pool)
        places = {text: place for place, text in enumerate(self.pool)}
        return {
            kind: _compute_quality(
                embed([q for q, _ in pairs]), vectors, [places[t] for _, t in pairs]
            )
            for kind, pairs in self.kinds.items()
        }


def build_retrieval_test(quiz: Sequence[Pair] = ()) -> RetrievalTest:
    """Return the test, the same in each call; `quiz` adds pairs of names and descriptions."""
    rng = random.Random(SEED)
    ordinary = [line.split("\t") for line in PARAPHRASES.read_text("utf-8").splitlines()]
    strange = [invented.draw_invented_problem(rng, list_taken_names()) for _ in range(INVENTED)]
    families = [
        (
            imitate_typed_problem(rng, family.draw_problem(rng)).question,
            family.build_entry().subproblem,
        )
        for family in heldout.read_procedures()
        for _ in range(EACH)
    ]
    kinds = {
        "paraphrases": tuple((asked, wording) for wording, asked in ordinary),
        "held-out families": tuple(families),
        "invented names": tuple(
            (imitate_typed_problem(rng, p).question, p.entry.subproblem) for p in strange[:ASKED]
        ),
    }
    if quiz:
        kinds["names of functions"] = tuple(quiz)
    texts = [wording for wording, _ in ordinary] + list_seed_subproblems()
    texts += [p.entry.subproblem for p in strange] + [wording for _, wording in quiz]
    return RetrievalTest(tuple(dict.fromkeys(texts)), kinds)


def _compute_quality(
    asked: NDArray[np.float32], pool: NDArray[np.float32], wanted: list[int]
) -> RetrievalQuality:
    cosines = asked @ pool.T
    right = cosines[np.arange(len(wanted)), wanted][:, None]
    ranks = (cosines >= right).sum(axis=1)
    return RetrievalQuality(
        float((ranks == 1).mean()), float((ranks <= 10).mean()), float((1 / ranks).mean())
    )


def format_quality_table(found: dict[str, dict[str, RetrievalQuality]], exam: RetrievalTest) -> str:
    """Format the qualities as a Markdown table with a row for each kind and embedder.

    `found` has the qualities by embedder and kind.
    """
    lines = [
        f"| asked against {len(exam.pool):,} subproblems | embedder | hit@1 | hit@10 | MRR |",
        "|---|---|---|---|---|",
    ]
    for kind, pairs in exam.kinds.items():
        for name, qualities in found.items():
            q = qualities[kind]
            lines.append(
                f"| {kind} ({len(pairs)}) | {name} | {q.hit1:.3f} | {q.hit10:.3f} | {q.mrr:.3f} |"
            )
    return "\n".join(lines)


def measure_speed(embed: Embed, texts: Sequence[str], rounds: int = 3) -> tuple[float, float]:
    """Return texts per second, best of `rounds`: by the clock, and by this process's CPU time."""
    best_wall, best_busy = float("inf"), float("inf")
    for _ in range(rounds):
        wall, busy = time.perf_counter(), time.process_time()
        embed(texts)
        best_wall = min(best_wall, time.perf_counter() - wall)
        best_busy = min(best_busy, time.process_time() - busy)
    return len(texts) / best_wall, len(texts) / best_busy


def measure_parallel_speed(path: Path | None, texts: Sequence[str], processes: int) -> float:
    """Return the texts per second, by the clock, of the static embedder in several processes."""
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for started in [pool.submit(_embed_repeatedly, path, texts, 1) for _ in range(processes)]:
            started.result()
        begun = time.perf_counter()
        jobs = [pool.submit(_embed_repeatedly, path, texts, ROUNDS) for _ in range(processes)]
        done = sum(job.result() for job in jobs)
        return done / (time.perf_counter() - begun)


def _embed_repeatedly(path: Path | None, texts: Sequence[str], rounds: int) -> int:
    """Embed the texts `rounds` times; return the number of texts embedded."""
    embed = _load_embedder(path).embed
    return sum(len(embed(texts)) for _ in range(rounds))


@cache
def _load_embedder(path: Path | None) -> StaticEmbedder:
    return StaticEmbedder.load(path)


def main() -> None:
    """Print quality and speed of MiniLM and of the static embedder."""
    from rm_local.embed import embed_with_minilm

    parser = argparse.ArgumentParser(prog="python -m models.static.measure", description=__doc__)
    parser.add_argument("--file", type=Path, default=None, help="default: the shipped table")
    parser.add_argument(
        "--material", type=Path, default=None, help="material.json of a training run: adds its quiz"
    )
    chosen = parser.parse_args()
    quiz = TrainingMaterial.load(chosen.material).quiz if chosen.material else ()
    questions = build_retrieval_test(quiz)
    static = StaticEmbedder.load(chosen.file)
    ways: dict[str, Embed] = {"all-MiniLM-L6-v2": embed_with_minilm, static.id.id: static.embed}
    print(
        format_quality_table(
            {name: questions.evaluate_embedder(way) for name, way in ways.items()}, questions
        )
    )
    rng = random.Random(SEED)
    texts = [text for text in questions.pool if 12 <= len(text.split()) <= 26]
    words = sum(len(text.split()) for text in texts) / len(texts)
    print(f"\n{len(texts)} texts of {words:.1f} words; load {os.getloadavg()[0]:.2f}")
    for name, way in ways.items():
        many = rng.sample(texts, 256) if way is embed_with_minilm else texts * 20
        wall, busy = measure_speed(way, many)
        print(f"{name}: {wall:,.0f} texts/s, {busy:,.0f} a second of processor time")
    both = measure_parallel_speed(chosen.file, texts, 2)
    print(f"{static.id.id}, two processes: {both:,.0f} texts/s")


if __name__ == "__main__":
    main()

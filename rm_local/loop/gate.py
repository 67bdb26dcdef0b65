"""The gate: decides from a question's nearest entries whether the store has one that helps.

A logistic model for each embedder combines features of these hits, scaled by the similarities
within the store. The functions are pure; `loop.question_gate` measures their arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.arrays import Floats
    from rm_local.store import UnrelatedSimilaritySpread

ASIDE_MARGIN = 0.1
"""Maximum of (similarity of the question to the nearest aside) - (similarity to the best hit).

Asides are probe sentences that need no procedure, such as greetings: above this value the question
counts as one of them, and gets no hits."""
RUNNER_UP = 8
"""Rank of the hit whose similarity is compared with that of the best hit, from 1."""


@dataclass(frozen=True, slots=True)
class GateFeatures:
    """Features from which the gate decides on a question; computed from the question's hits."""

    nearness: float
    """Similarity of the best hit, scaled: (similarity - middle) / width of the store's spread."""
    prominence: float
    """Maximum over the hits of their z-score: similarity to the question, less the mean similarity
    to the probe sentences, in standard deviations of the latter. It corrects for entries that are
    near to every text."""
    lead: float
    """Similarity of the best hit, less that of the hit of rank RUNNER_UP, in widths of the store's
    spread. A single near entry often shares words with the question by chance."""
    aside: float
    """Similarity of the question to the nearest aside, less that of the best hit. The logistic
    model does not use it: above ASIDE_MARGIN the question itself is an aside."""


@dataclass(frozen=True, slots=True)
class GateModel:
    """Coefficients of the gate's logistic model, one per feature, and its threshold in log-odds."""

    nearness: float
    prominence: float
    lead: float
    constant: float
    threshold: float

    def compute_log_odds(self, features: GateFeatures) -> float:
        """Compute the log-odds that an entry of the store helps with the question."""
        return (
            self.nearness * features.nearness
            + self.prominence * features.prominence
            + self.lead * features.lead
            + self.constant
        )


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The gate's decision on one question: whether the store has an entry that helps with it."""

    fits: bool
    """Whether the store has such an entry; then the question gets hits."""
    probability: float
    """Probability that an entry helps, by the logistic model; 0 for an aside or an empty store."""

    @property
    def is_aside_or_store_empty(self) -> bool:
        """Whether the question needs no procedure of any store, as a greeting or small talk.

        Also True for an empty store.
        """
        return not self.fits and self.probability == 0


GATE_MODELS = {
    "all-MiniLM-L6-v2": GateModel(1.06, 0.40, -0.65, -3.02, 0.15),
    "rm-static": GateModel(0.87, 0.69, -0.59, -3.49, 0.09),
}
"""Maps the id of an embedder to the gate's logistic model for its vectors. `python -m
models.seed.gate` fits them on the half `fit` of models/seed/questions/gate.jsonl, over the seed
store and parts of it."""


def compute_gate_features(
    similarities: Sequence[float], probes: Floats, spread: UnrelatedSimilaritySpread, aside: float
) -> GateFeatures:
    """Compute the gate's features of a question.

    `similarities` are those of its k >= 1 hits, descending. `probes` is an array (n, k): the
    similarities of the n probe sentences to the same k entries. `spread` is the store's. `aside` is
    the similarity of the question to the nearest probe sentence that needs no procedure.
    """
    best = similarities[0]
    runner_up = similarities[min(RUNNER_UP, len(similarities)) - 1]
    columns = zip(similarities, probes.mean(axis=0), probes.std(axis=0), strict=True)
    prominence = max((near - mean) / max(float(width), 1e-6) for near, mean, width in columns)
    return GateFeatures(
        nearness=(best - spread.middle) / spread.width,
        prominence=float(prominence),
        lead=(best - runner_up) / spread.width,
        aside=aside - best,
    )


def judge_features(features: GateFeatures, model: GateModel) -> GateVerdict:
    """Decide on a question: it fits if its log-odds reach the threshold, and it is no aside."""
    if features.aside > ASIDE_MARGIN:
        return GateVerdict(False, 0.0)
    score = model.compute_log_odds(features)
    return GateVerdict(score >= model.threshold, 1 / (1 + exp(-max(-50.0, min(50.0, score)))))

"""Decides by three features of a question's hits whether a store has an entry for the question.

Each feature is on the store's own scale; a logistic model for each embedder combines them. The
functions are pure; `loop.question_gate` measures their arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.arrays import Floats
    from rm_local.store import StoreSpread

ASIDE_MARGIN = 0.1
"""Maximum excess of the similarity of an aside (a sentence that needs no procedure) over the best
hit."""
RUNNER_UP = 8
"""Rank of the hit that is compared with the best hit."""


@dataclass(frozen=True, slots=True)
class GateFeatures:
    """Features of a question, computed from its hits."""

    nearness: float
    """Similarity of the best hit, in widths of the store's spread above its middle."""
    prominence: float
    """Similarity of a hit to the question above its mean similarity to the probe sentences, in
    standard deviations of the latter; the maximum over all hits. It corrects for entries that are
    near to every text."""
    lead: float
    """Lead of the best hit over the hit of rank RUNNER_UP, in widths of the store's spread. A
    single near entry among many distant ones often shares words with the question by chance."""
    aside: float
    """Similarity to the nearest aside minus similarity of the best hit. It is not part of the
    model: above ASIDE_MARGIN the question itself is an aside."""


@dataclass(frozen=True, slots=True)
class GateModel:
    """A logistic model of the features, and its threshold in log-odds."""

    nearness: float
    prominence: float
    lead: float
    constant: float
    threshold: float

    def compute_log_odds(self, features: GateFeatures) -> float:
        """Compute the log-odds that an entry of the store helps."""
        return (
            self.nearness * features.nearness
            + self.prominence * features.prominence
            + self.lead * features.lead
            + self.constant
        )


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The gate's verdict on a question."""

    fits: bool
    probability: float
    """Probability that an entry of the store helps, by the gate's model; 0 for an aside."""

    @property
    def aside(self) -> bool:
        """Whether the question is an aside, such as small talk or a greeting."""
        return not self.fits and self.probability == 0


GATE_MODELS = {
    "all-MiniLM-L6-v2": GateModel(1.06, 0.40, -0.65, -3.02, 0.15),
    "rm-static": GateModel(0.87, 0.69, -0.59, -3.49, 0.09),
}
"""Logistic models by the id of the embedder. `python -m models.seed.gate` fits them on the half
`fit` of models/seed/questions/gate.jsonl, over the seed store and parts of it."""


def compute_features(
    similarities: Sequence[float], probes: Floats, spread: StoreSpread, aside: float
) -> GateFeatures:
    """Compute the features of a question from its hits.

    `similarities` are those of the k >= 1 hits, descending. `probes` is an array (n, k): the
    similarities of the n probe sentences to the same k entries. `aside` is the similarity of the
    question to the nearest sentence that needs no procedure.
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
    """Judge a question by its features: it fits if its log-odds reach the model's threshold."""
    if features.aside > ASIDE_MARGIN:
        return GateVerdict(False, 0.0)
    score = model.compute_log_odds(features)
    return GateVerdict(score >= model.threshold, 1 / (1 + exp(-max(-50.0, min(50.0, score)))))

"""Whether a store has anything for a question, decided before anything is asked of the model.

Three features of the question's hits, each read on the store's own scale, and a logistic model of
them for each embedder. Pure functions; `loop.question_gate` measures what they need.
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
"""How much nearer a question may be to a sentence that needs no procedure than to any entry."""
RUNNER_UP = 8
"""Rank of the hit with which the best one is compared."""


@dataclass(frozen=True, slots=True)
class GateFeatures:
    """What the hits of a question say about it."""

    nearness: float
    """Similarity of the best hit, in the store's widths above its middle."""
    prominence: float
    """How much nearer the question is to one of the hits than probe sentences are, in their
    standard deviations; the most of all hits. Some entries are near to everything."""
    lead: float
    """Of the best hit over the one of rank RUNNER_UP, in the store's widths. One entry near among
    many that are not is often a chance likeness of words."""
    aside: float
    """Similarity to the nearest sentence that needs no procedure in any store, less that of the
    best hit. No part of the model: above ASIDE_MARGIN nothing fits."""


@dataclass(frozen=True, slots=True)
class GateModel:
    """A logistic model of the features, and where its log-odds are enough."""

    nearness: float
    prominence: float
    lead: float
    constant: float
    threshold: float

    def compute_log_odds(self, features: GateFeatures) -> float:
        """Log-odds that an entry helps."""
        return (
            self.nearness * features.nearness
            + self.prominence * features.prominence
            + self.lead * features.lead
            + self.constant
        )


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gate says of a question."""

    fits: bool
    probability: float
    """That an entry of the store helps, by the model of the gate; 0 for an aside."""

    @property
    def aside(self) -> bool:
        """Whether it is small talk, a greeting or the like, whatever was said before."""
        return not self.fits and self.probability == 0


GATE_MODELS = {
    "all-MiniLM-L6-v2": GateModel(1.06, 0.40, -0.65, -3.02, 0.15),
    "rm-static": GateModel(0.87, 0.69, -0.59, -3.49, 0.09),
}
"""By the embedder's id. `python -m models.seed.gate` fits them on the half `fit` of
models/seed/questions/gate.jsonl, over the seed store and parts of it, and prints them."""


def read_features(
    similarities: Sequence[float], probes: Floats, spread: StoreSpread, aside: float
) -> GateFeatures:
    """The features of a question from its hits.

    `similarities` is (k,), of the hits, descending, k >= 1; `probes` is (n, k), the similarities of
    the n probe sentences to the same k entries; `aside` is the question's similarity to the nearest
    sentence that needs no procedure.
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
    """Whether the features are enough for this model."""
    if features.aside > ASIDE_MARGIN:
        return GateVerdict(False, 0.0)
    score = model.compute_log_odds(features)
    return GateVerdict(score >= model.threshold, 1 / (1 + exp(-max(-50.0, min(50.0, score)))))

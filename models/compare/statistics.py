"""Paired differences between two plans, with bootstrap intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models.compare.judge import Verdict

RESAMPLES = 10_000
"""Bootstrap draws; the bounds then move by less than half a point from seed to seed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Plan minus baseline in percentage points, with the bounds of the 95 % interval."""

    points: float
    low: float
    high: float
    questions: int
    """Questions that the figure is over; the seeds of a question are averaged first."""


def pair_verdicts(
    verdicts: Iterable[Verdict], plan: str, baseline: str
) -> list[tuple[Verdict, Verdict]]:
    """The verdicts on both plans for each question and seed that both have."""
    found: dict[tuple[str, int], dict[str, Verdict]] = defaultdict(dict)
    for verdict in verdicts:
        sample = verdict.sample
        found[sample.question, sample.seed][sample.plan] = verdict
    return [
        (each[plan], each[baseline]) for each in found.values() if {plan, baseline} <= set(each)
    ]


def compute_paired_difference(pairs: Iterable[tuple[Verdict, Verdict]]) -> Difference | None:
    """How many more answers in a hundred are good under the plan; None without a pair.

    Questions are resampled, not samples: the seeds of one question are not independent.
    """
    by_question: dict[str, list[int]] = defaultdict(list)
    for one, other in pairs:
        by_question[one.sample.question].append(
            int(one.keeps_all_rules) - int(other.keeps_all_rules)
        )
    if not by_question:
        return None
    means = [100 * float(np.mean(each)) for each in by_question.values()]
    return Difference(float(np.mean(means)), *bootstrap_mean_interval(means), len(means))


def bootstrap_mean_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """The bounds of the 95 % interval of the mean; `values` is (n,), n >= 1."""
    samples = np.asarray(values, float)
    draws = np.random.default_rng(seed).integers(0, len(samples), (RESAMPLES, len(samples)))
    low, high = np.percentile(samples[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)

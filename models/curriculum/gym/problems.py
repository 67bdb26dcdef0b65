"""Draws unchanged problems of reasoning-gym, and scores answers with its own scorers.

The package is an extra. It is imported when the first problem is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rm_local.errors import UsageError

VERSION = "0.1.25"
SEED = 1
"""Seed of every generator; the same seed draws the same problems."""
FULL_SCORE = 1.0
"""Score that counts as right.

Partial credit can be close to it: `time_intervals` gives 0.999 to a duration that is wrong by a
minute.
"""


@dataclass(frozen=True, slots=True)
class GymProblem:
    """One problem of a generator of reasoning-gym."""

    generator: str
    number: int
    """Number of the problem in the order of the generator, from 0."""
    question: str
    answer: str


def check_gym_version() -> None:
    """Check that the pinned version of reasoning-gym is installed.

    Raises:
        UsageError: It is not installed, or it is another version.
    """
    remedy = f"Install it: python -m pip install reasoning-gym=={VERSION}"
    try:
        found = version("reasoning-gym")
    except PackageNotFoundError:
        raise UsageError("reasoning-gym is not installed.", remedy) from None
    if found != VERSION:
        raise UsageError(f"reasoning-gym {found} is installed, not {VERSION}.", remedy)


def draw_problems(generator: str, count: int) -> Sequence[GymProblem]:
    """Return the first `count` problems of the generator in its default configuration."""
    dataset = _open_generator(generator)
    rows = [dataset[number] for number in range(count)]
    return [
        GymProblem(generator, number, row["question"], row["answer"])
        for number, row in enumerate(rows)
    ]


def score_result(problem: GymProblem, result: str | None) -> float:
    """Return reasoning-gym's score of the result, 0 to 1; 0 for None."""
    if result is None:
        return 0.0
    dataset = _open_generator(problem.generator)
    try:
        return float(dataset.score_answer(result, dataset[problem.number]))
    except Exception:
        # The scorers of some generators raise whatever they meet in a text they cannot read.
        return 0.0


@cache
def _open_generator(name: str) -> Any:
    import reasoning_gym

    return reasoning_gym.create_dataset(name, seed=SEED)

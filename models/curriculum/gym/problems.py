"""Problems of reasoning-gym as they are, and its own score of an answer to one.

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
"""Of every generator; the same seed draws the same problems."""
FULL_SCORE = 1.0
"""What an answer must get to be right. Partial credit can be close to it: `time_intervals` gives
0.999 to a duration that is wrong by a minute."""


@dataclass(frozen=True, slots=True)
class GymProblem:
    """One problem of a generator."""

    generator: str
    number: int
    """From 0, in the order in which the generator draws them."""
    question: str
    answer: str


def check_gym_version() -> None:
    """UsageError: reasoning-gym is not installed, or it is another version."""
    remedy = f"Install it: python -m pip install reasoning-gym=={VERSION}"
    try:
        found = version("reasoning-gym")
    except PackageNotFoundError:
        raise UsageError("reasoning-gym is not installed.", remedy) from None
    if found != VERSION:
        raise UsageError(f"reasoning-gym {found} is installed, not {VERSION}.", remedy)


def draw_problems(generator: str, count: int) -> Sequence[GymProblem]:
    """The first `count` problems that the generator draws with its default configuration."""
    dataset = _open_generator(generator)
    rows = [dataset[number] for number in range(count)]
    return [
        GymProblem(generator, number, row["question"], row["answer"])
        for number, row in enumerate(rows)
    ]


def score_result(problem: GymProblem, result: str | None) -> float:
    """What reasoning-gym gives for the result, 0 to 1."""
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

"""Draws worked trajectories of the held-out families, each with other problems of its family."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from models.curriculum.families import read_families
from models.curriculum.forms import Form, WordedProblem, draw_problem, read_forms

TRIES = 1000
"""Number of draws in which the other problems of a trajectory have to be found."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A problem with its solution, and problems of the same family with other inputs."""

    number: int
    """Number of the trajectory within its family, from 0."""
    worked: WordedProblem
    others: tuple[WordedProblem, ...]

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.worked.form.family.name


def draw_trajectories(count: int, others: int) -> list[Trajectory]:
    """Return `count` trajectories, the same in each call: one of each held-out family, in turn.

    Each has `others` other problems.
    """
    forms: dict[str, list[Form]] = {}
    for form in read_forms():
        forms.setdefault(form.family.name, []).append(form)
    held_out = [name for name, family in read_families().items() if family.split == "held-out"]
    order = [divmod(index, len(held_out)) for index in range(count)]
    return [
        _draw_trajectory(held_out[family], number, forms[held_out[family]], others)
        for number, family in order
    ]


def _draw_trajectory(name: str, number: int, forms: list[Form], others: int) -> Trajectory:
    """Return trajectory `number` of the family `name`.

    Raises:
        ValueError: The family has too few problems.
    """
    distinct = _draw_distinct_problems(random.Random(f"{name} {number}"), forms)
    drawn = tuple(islice(distinct, others + 1))
    if len(drawn) <= others:
        raise ValueError(f"{name} has no {others + 1} problems with different inputs.")
    return Trajectory(number, drawn[0], drawn[1:])


def _draw_distinct_problems(rng: random.Random, forms: list[Form]) -> Iterator[WordedProblem]:
    """Yield problems with different inputs, in any wording."""
    seen: set[str] = set()
    for _ in range(TRIES):
        problem = draw_problem(rng, rng.choice(forms))
        inputs = repr([problem.values[name] for name in problem.form.family.inputs])
        if inputs not in seen:
            seen.add(inputs)
            yield problem

"""Combines the known families: wordings from known.toml, and functions from the modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from models.nano.curriculum.code import CODE
from models.nano.curriculum.math import MATH
from models.nano.curriculum.problem import Problem, Rng, WorkedNumbers
from models.nano.curriculum.science import SCIENCE
from models.nano.curriculum.tables import read_table
from rm_local.records import Entry


@dataclass(frozen=True, slots=True)
class KnownFamily:
    """A family that rm-nano learns to solve without a hint."""

    slug: str
    domain: str
    name: str
    subproblem: str
    subroutine: str
    wordings: tuple[str, ...]
    work: Callable[[Rng], WorkedNumbers]

    def build_entry(self) -> Entry:
        """Return the family's entry of the store."""
        return Entry(self.subproblem, self.subroutine, self.domain, f"curriculum/{self.slug}")

    def draw_problem(self, rng: Rng) -> Problem:
        """Draw a problem in one of the family's wordings."""
        drawn = self.work(rng)
        return Problem(
            family=self.slug,
            name=self.name,
            question=rng.choice(self.wordings).format(**drawn.values),
            subproblem=self.subproblem,
            entry=self.build_entry(),
            steps=f"{drawn.steps}. So it is {drawn.answer}.",
            answer=drawn.answer,
            known=True,
        )


@cache
def read_known_families() -> tuple[KnownFamily, ...]:
    """Return all families of known.toml, in its order."""
    words = read_table("known")
    work = MATH | SCIENCE | CODE
    return tuple(
        _build_family(slug, row, words["shared"], work[slug])
        for slug, row in words["family"].items()
    )


def _build_family(
    slug: str,
    row: dict[str, Any],
    shared: dict[str, list[str]],
    work: Callable[[Rng], WorkedNumbers],
) -> KnownFamily:
    wordings = row["wordings"] if "wordings" in row else shared[row["shared"]]
    texts = (row["domain"], row["name"], row["subproblem"], row["subroutine"])
    return KnownFamily(slug, *texts, tuple(wordings), work)

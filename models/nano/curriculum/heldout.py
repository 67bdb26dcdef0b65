"""Families of real procedures that rm-nano never trains on: only a hint lets it solve them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache

from models.nano.curriculum import invented, telling
from models.nano.curriculum.problem import Problem
from models.nano.curriculum.procedure import OutOfReachError, Step, build_step, work_steps
from models.nano.curriculum.tables import read_table
from rm_local.records import Entry

Rng = random.Random


@dataclass(frozen=True, slots=True)
class Procedure:
    """A held-out family: a real procedure with its inputs, its steps and its one entry."""

    name: str
    domain: str
    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    about: str
    """Sentence on the setting, the first in the subroutine."""
    check: str
    """Sentence on how to check the result, the last in the subroutine."""
    upto: tuple[int, ...]
    """Maximum value of each input."""

    @property
    def slug(self) -> str:
        """The name with hyphens, as in the entry's source."""
        return self.name.replace(" ", "-")

    def build_entry(self) -> Entry:
        """Return the entry of the store (docs/design/method.md: the setting, then the steps)."""
        steps = ", then ".join(s.words for s in self.steps)
        inputs = telling.phrase_inputs(self.inputs, letters=True)
        return Entry(
            subproblem=f"How to compute the {self.name} {inputs}?",
            subroutine=f"{self.about} For problems like this, I should {steps}. {self.check}",
            domain=self.domain,
            source=f"curriculum/{self.slug}",
        )

    def draw_problem(self, rng: Rng) -> Problem:
        """Draw a problem of the procedure, in one of the wordings of invented procedures."""
        while True:
            values = {i: rng.randint(1, top) for i, top in zip(self.inputs, self.upto, strict=True)}
            try:
                clauses, result = work_steps(self.steps, values)
            except OutOfReachError:
                continue
            problem = invented.build_problem(rng, self.name, values, self.steps, clauses, result)
            return replace(problem, family=self.slug, entry=self.build_entry())


@cache
def read_procedures() -> tuple[Procedure, ...]:
    """Return all procedures of heldout.toml."""
    return tuple(_parse_procedure(row) for row in read_table("heldout")["procedure"])


def list_procedure_names() -> frozenset[str]:
    """Return the names of all held-out procedures."""
    return frozenset(p.name for p in read_procedures())


def _parse_procedure(row: dict[str, str]) -> Procedure:
    inputs = tuple(_parse_name(word) for word in row["inputs"].split())
    tops = tuple(int(top) for top in row.get("upto", "").split()) or (20,) * len(inputs)
    steps = tuple(_parse_step(text) for text in row["steps"].split(", "))
    return Procedure(row["name"], row["domain"], inputs, steps, row["about"], row["check"], tops)


def _parse_step(text: str) -> Step:
    kind, *operands = text.split()
    return build_step(kind, *(int(o) if o.isdigit() else _parse_name(o) for o in operands))


def _parse_name(word: str) -> str:
    return word.replace("-", " ")

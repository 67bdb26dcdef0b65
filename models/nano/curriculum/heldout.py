"""Real procedures that rm-nano is never trained on: retrieval alone can make it solve them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache

from models.nano.curriculum import invented, telling
from models.nano.curriculum.problem import Problem
from models.nano.curriculum.procedure import OutOfReachError, Step, told, work
from models.nano.curriculum.tables import table
from rm_local.records import Entry

Rng = random.Random


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure of the world, as its one entry in the store tells it."""

    name: str
    domain: str
    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    about: str
    """What the setting is, said first in the subroutine."""
    check: str
    """How to see that the result is right, said last."""
    upto: tuple[int, ...]
    """Largest value of each input."""

    @property
    def slug(self) -> str:
        return self.name.replace(" ", "-")

    def entry(self) -> Entry:
        """The pair that the store holds (docs/design/method.md: the setting, then the steps)."""
        steps = ", then ".join(s.words for s in self.steps)
        inputs = telling.source(self.inputs, letters=True)
        return Entry(
            subproblem=f"How to compute the {self.name} {inputs}?",
            subroutine=f"{self.about} For problems like this, I should {steps}. {self.check}",
            domain=self.domain,
            source=f"curriculum/{self.slug}",
        )

    def draw(self, rng: Rng) -> Problem:
        """A problem that asks for it, in one of the wordings of invented procedures."""
        while True:
            values = {i: rng.randint(1, top) for i, top in zip(self.inputs, self.upto, strict=True)}
            try:
                clauses, result = work(self.steps, values)
            except OutOfReachError:
                continue
            problem = invented.posed(rng, self.name, values, self.steps, clauses, result)
            return replace(problem, family=self.slug, entry=self.entry())


@cache
def procedures() -> tuple[Procedure, ...]:
    """All of heldout.toml."""
    return tuple(_read(row) for row in table("heldout")["procedure"])


def names() -> frozenset[str]:
    """What no invented procedure may be called."""
    return frozenset(p.name for p in procedures())


def _read(row: dict[str, str]) -> Procedure:
    inputs = tuple(_name(word) for word in row["inputs"].split())
    tops = tuple(int(top) for top in row.get("upto", "").split()) or (20,) * len(inputs)
    steps = tuple(_step(text) for text in row["steps"].split(", "))
    return Procedure(row["name"], row["domain"], inputs, steps, row["about"], row["check"], tops)


def _step(text: str) -> Step:
    kind, *operands = text.split()
    return told(kind, *(int(o) if o.isdigit() else _name(o) for o in operands))


def _name(word: str) -> str:
    return word.replace("-", " ")

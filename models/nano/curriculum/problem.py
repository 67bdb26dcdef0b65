"""Records of the curriculum: a problem, and the numbers of one with their solution."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from rm_local.records import Entry

Rng = random.Random


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a family, with its entry and its worked steps."""

    family: str
    """Slug of the family: `kinetic-energy`; `invented` for a procedure of this problem only."""
    name: str
    """Name of the quantity asked for, as in the trajectory: `kinetic energy`."""
    question: str
    subproblem: str
    """The name of the subproblem that the model learns to write."""
    entry: Entry
    """An entry that a store may have for the problem."""
    steps: str
    """The worked steps in sentences, which end with the result."""
    answer: str
    known: bool
    """Whether the model has to solve it without a hint."""


@dataclass(frozen=True, slots=True)
class WorkedNumbers:
    """The numbers of one problem, with the worked steps and the answer."""

    values: Mapping[str, object]
    """Values for the slots of the family's wordings."""
    steps: str
    answer: str

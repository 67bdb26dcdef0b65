"""What the curriculum is made of: a problem, and the trajectory that solves it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from rm_local.records import Entry

Rng = random.Random


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a family, with its worked trajectory."""

    family: str
    """Slug, e.g. `kinetic-energy`; `invented` for a procedure that exists only in this sample."""
    name: str
    """What is asked for, as a trajectory names it, e.g. `kinetic energy`."""
    question: str
    subproblem: str
    """How the model is to name the subproblem."""
    entry: Entry
    """The pair that a store would hold for it."""
    steps: str
    """The worked steps, one sentence after another, ending in the result."""
    answer: str
    known: bool
    """Whether the model is to solve it without a hint."""


@dataclass(frozen=True, slots=True)
class WorkedNumbers:
    """The numbers of one problem, worked."""

    values: Mapping[str, object]
    """What the wordings are filled with."""
    steps: str
    answer: str

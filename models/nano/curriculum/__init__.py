"""Problems and trajectories without end: what rm-nano learns, and is measured on."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from models.nano.curriculum import chat, heldout, invented
from models.nano.curriculum.known import families
from models.nano.curriculum.manner import typed
from models.nano.curriculum.problem import Problem
from models.nano.curriculum.trajectory import Hinted, Trajectory, chatted, solved
from models.seed.handwritten import handwritten
from rm_local.records import Entry

Rng = random.Random

KNOWN = families()
"""The families that rm-nano solves by itself."""
SHARES = {"invented": 0.58, "known": 0.34, "chat": 0.08}
"""How much of the training stream is what."""


@cache
def taken() -> frozenset[str]:
    """Names that no invented procedure may bear."""
    return heldout.names() | {family.name for family in KNOWN}


def entries() -> list[Entry]:
    """The pairs that the seed store holds: one for each known and each held-out family."""
    return [f.entry() for f in KNOWN] + [p.entry() for p in heldout.procedures()]


def sample(rng: Rng) -> Trajectory:
    """One trajectory of the training stream; no held-out family is ever drawn."""
    kind = rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]
    if kind == "chat":
        return chatted(
            typed(rng, chat.question(rng)),
            _other(rng) if rng.random() < 0.4 else None,
            rng.random() < 0.8,
        )
    problem = invented.draw(rng, taken()) if kind == "invented" else rng.choice(KNOWN).draw(rng)
    return posed(rng, problem)


def posed(rng: Rng, problem: Problem) -> Trajectory:
    """The problem as somebody types it, under the right hint, a wrong one or none."""
    problem = typed_problem(rng, problem)
    right, wrong, bare = (0.5, 0.14, 0.2) if problem.known else (0.74, 0.13, 0.07)
    draw = rng.random()
    if draw < right:
        return solved(problem, Hinted(problem.entry, problem.name), cued=True)
    if draw < right + wrong:
        return solved(problem, _other(rng, problem), cued=True)
    return solved(problem, None, cued=draw >= right + wrong + bare)


def typed_problem(rng: Rng, problem: Problem) -> Problem:
    """The problem in somebody's manner of typing."""
    return replace(problem, question=typed(rng, problem.question))


def _other(rng: Rng, problem: Problem | None = None) -> Hinted:
    """A hint that is not for this problem."""
    kind = rng.random()
    advice = handwritten()
    if kind < 0.15 and advice:
        return Hinted(rng.choice(advice), "")
    while True:
        other = rng.choice(KNOWN).draw(rng) if kind < 0.35 else invented.draw(rng, taken())
        if problem is None or other.name != problem.name:
            return Hinted(other.entry, other.name)

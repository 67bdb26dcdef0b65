"""Problems and trajectories in any number, for training rm-nano and for measuring it."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from models.nano.curriculum import chat, heldout, invented
from models.nano.curriculum.known import read_known_families
from models.nano.curriculum.manner import imitate_typing
from models.nano.curriculum.problem import Problem
from models.nano.curriculum.trajectory import (
    HintEntry,
    Trajectory,
    build_chat_trajectory,
    build_solved_trajectory,
)
from models.seed.handwritten import read_handwritten_entries
from rm_local.records import Entry

Rng = random.Random

KNOWN = read_known_families()
"""The families that rm-nano learns to solve without a hint."""
SHARES = {"invented": 0.58, "known": 0.34, "chat": 0.08}
"""Share of each kind of trajectory in the training stream."""


@cache
def list_taken_names() -> frozenset[str]:
    """Return the names that no invented procedure may have: those of all families."""
    return heldout.list_procedure_names() | {family.name for family in KNOWN}


def list_curriculum_entries() -> list[Entry]:
    """Return the seed store's entries for known and held-out families, one for each."""
    return [f.build_entry() for f in KNOWN] + [p.build_entry() for p in heldout.read_procedures()]


def draw_trajectory(rng: Rng) -> Trajectory:
    """Draw one trajectory of the training stream; held-out families are never drawn."""
    kind = rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]
    if kind == "chat":
        return build_chat_trajectory(
            imitate_typing(rng, chat.draw_unsolvable_question(rng)),
            _draw_unrelated_hint(rng) if rng.random() < 0.4 else None,
            rng.random() < 0.8,
        )
    problem = (
        invented.draw_invented_problem(rng, list_taken_names())
        if kind == "invented"
        else rng.choice(KNOWN).draw_problem(rng)
    )
    return draw_hinted_trajectory(rng, problem)


def draw_hinted_trajectory(rng: Rng, problem: Problem) -> Trajectory:
    """Draw the trajectory of the problem under its own hint, a wrong one or none."""
    problem = imitate_typed_problem(rng, problem)
    right, wrong, bare = (0.5, 0.14, 0.2) if problem.known else (0.74, 0.13, 0.07)
    draw = rng.random()
    if draw < right:
        return build_solved_trajectory(problem, HintEntry(problem.entry, problem.name), cued=True)
    if draw < right + wrong:
        return build_solved_trajectory(problem, _draw_unrelated_hint(rng, problem), cued=True)
    return build_solved_trajectory(problem, None, cued=draw >= right + wrong + bare)


def imitate_typed_problem(rng: Rng, problem: Problem) -> Problem:
    """Return the problem with its question as people might type it."""
    return replace(problem, question=imitate_typing(rng, problem.question))


def _draw_unrelated_hint(rng: Rng, problem: Problem | None = None) -> HintEntry:
    """Draw a hint that does not solve this problem, or any hint for None."""
    kind = rng.random()
    advice = read_handwritten_entries()
    if kind < 0.15 and advice:
        return HintEntry(rng.choice(advice), "")
    while True:
        other = (
            rng.choice(KNOWN).draw_problem(rng)
            if kind < 0.35
            else invented.draw_invented_problem(rng, list_taken_names())
        )
        if problem is None or other.name != problem.name:
            return HintEntry(other.entry, other.name)

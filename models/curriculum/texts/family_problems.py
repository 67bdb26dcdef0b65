"""Turns problems of families into problems of training texts, with entries that fit them."""

from __future__ import annotations

import random
from functools import cache

from models.curriculum.families import Family
from models.curriculum.forms import Form, WordedProblem, draw_problem, read_forms
from models.curriculum.problem import Problem
from models.curriculum.texts.typing_manner import imitate_typing
from rm_local.records import Entry

_EXACT = ("lists-and-strings", "code", "logic")
"""Domains in whose questions no letter may be changed."""
OPENINGS = (
    "For problems like this, I should {steps}",
    "For problems like this, I should {steps}",
    "For a problem like this, I {steps}",
    "Here I should {steps}",
    "In such a case I should {steps}",
)


@cache
def group_known_forms() -> dict[str, tuple[Form, ...]]:
    """Return the forms of each known family by its name; no other family is trained on."""
    found: dict[str, list[Form]] = {}
    for form in read_forms():
        if form.known:
            found.setdefault(form.family.name, []).append(form)
    return {name: tuple(forms) for name, forms in found.items()}


def draw_known_problem(rng: random.Random) -> WordedProblem:
    """Draw a problem of a known family; all families are equally likely.

    Forms of a family are drawn in proportion to the number of their wordings.
    """
    forms = group_known_forms()[rng.choice(list(group_known_forms()))]
    form = rng.choices(forms, [len(form.wordings) for form in forms])[0]
    return draw_problem(rng, form)


def build_typed_problem(rng: random.Random, worded: WordedProblem) -> Problem:
    """Return the problem with its question as people type it, and an entry for it."""
    family = worded.form.family
    return Problem(
        family=family.name,
        name=family.name.replace("-", " "),
        question=imitate_typing(rng, worded.question, family.domain in _EXACT),
        subproblem=family.subproblem,
        entries=(draw_family_entry(rng, family),),
        work=worded.work,
        answer=worded.answer,
        known=worded.form.known,
    )


def draw_family_entry(rng: random.Random, family: Family) -> Entry:
    """Return an entry for the family, in one of several styles of prose."""
    lowered = [step[0].lower() + step[1:].rstrip(".") for step in family.steps]
    style = rng.randrange(4)
    if style == 0:
        subroutine = " ".join(f"{n}. {step}" for n, step in enumerate(family.steps, 1))
    elif style == 1:
        subroutine = f"{family.asks} {' '.join(family.steps)}"
    else:
        joined = ", then ".join(lowered) if style == 2 else _join_in_order(lowered)
        subroutine = rng.choice(OPENINGS).format(steps=joined) + "."
    return Entry(family.subproblem, subroutine, family.domain, f"curriculum/{family.name}")


def extract_task(subproblem: str) -> str:
    """Return the task of a subproblem: `add two numbers` of "How to add two numbers?"."""
    return subproblem.removeprefix("How to ").removeprefix("how to ").rstrip("?. ")


def _join_in_order(steps: list[str]) -> str:
    first, *between, last = steps
    parts = [f"first {first}", *(f"next {step}" for step in between), f"finally {last}"]
    return ", ".join(parts)

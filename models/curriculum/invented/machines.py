"""Small machines with rules of their own, worked event by event."""

from __future__ import annotations

import random
from collections.abc import Callable

from models.curriculum.invented.machine_counts import draw_boxes, draw_count, draw_vending
from models.curriculum.invented.machine_runs import Run, tell_events, tell_rules
from models.curriculum.invented.machine_states import draw_grid, draw_states, draw_turnstile
from models.curriculum.invented.posing import SharedNumbersError, in_manner, pose_problem
from models.curriculum.invented.prose import Clause, Telling, capital
from models.curriculum.invented.tables import table
from models.curriculum.problem import Problem
from models.curriculum.slots import fill_wording

Rng = random.Random
TEXTS = table("machines")
_KINDS: dict[Callable[[Rng], Run], int] = {
    draw_count: 34,
    draw_states: 24,
    draw_grid: 16,
    draw_vending: 10,
    draw_boxes: 9,
    draw_turnstile: 7,
}
"""Shares of the machines."""


def draw(rng: Rng) -> Problem:
    """A problem about a small machine."""
    while True:
        run = rng.choices(list(_KINDS), list(_KINDS.values()))[0](rng)
        try:
            return _posed(rng, run)
        except SharedNumbersError:
            continue


def _posed(rng: Rng, run: Run) -> Problem:
    clauses = [Clause(text.format(what=run.what)) for text in rng.choice(TEXTS["steps"])]
    telling = Telling(
        run.asked,
        rng.choice(
            (
                f"the {run.what} at the start and the events",
                f"the first {run.what} and the events",
                f"the starting {run.what} and what happens then",
                f"the {run.what} in the beginning and the list of events",
            )
        ),
        facts=tell_rules(rng, run),
        extras=tuple(TEXTS["extras"]),
    )
    run.working.say(
        rng.choice((f"So the {run.asked} is {run.answer}.", f"The {run.asked} is {run.answer}."))
    )
    domain = rng.choice(("practical", "code", "code"))
    return pose_problem(rng, telling, clauses, _question(rng, run), run.working, run.answer, domain)


def _question(rng: Rng, run: Run) -> str:
    start = run.start
    wording = rng.choice(TEXTS["asks"])
    for slot, text in {
        "{s}": capital(start) if wording.startswith("{s}") or ". {s}" in wording else start,
        "{s_}": start,
        "{e}": tell_events(rng, run.events),
        "{n}": run.asked,
        "{n_}": capital(run.asked),
        "{t}": run.thing,
    }.items():
        wording = wording.replace(slot, text)
    return in_manner(rng, fill_wording(rng, wording, {}))

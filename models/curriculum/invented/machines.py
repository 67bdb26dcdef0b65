"""Problems about small machines with rules of their own, worked event by event."""

from __future__ import annotations

import random
from collections.abc import Callable

from models.curriculum.invented.machine_counts import (
    draw_boxes_run,
    draw_counter_run,
    draw_vending_run,
)
from models.curriculum.invented.machine_runs import MachineRun, phrase_events, phrase_rules
from models.curriculum.invented.machine_states import (
    draw_grid_run,
    draw_state_run,
    draw_turnstile_run,
)
from models.curriculum.invented.posing import SharedNumbersError, pose_problem, vary_case
from models.curriculum.invented.prose import Clause, ProcedureContext, capitalize_first
from models.curriculum.invented.tables import read_table
from models.curriculum.problem import Problem
from models.curriculum.slots import fill_wording

Rng = random.Random
TEXTS = read_table("machines")
_KINDS: dict[Callable[[Rng], MachineRun], int] = {
    draw_counter_run: 34,
    draw_state_run: 24,
    draw_grid_run: 16,
    draw_vending_run: 10,
    draw_boxes_run: 9,
    draw_turnstile_run: 7,
}
"""Functions that draw a run, with the share of each in percent."""


def draw_machine_problem(rng: Rng) -> Problem:
    """Draw a problem about a small machine."""
    while True:
        run = rng.choices(list(_KINDS), list(_KINDS.values()))[0](rng)
        try:
            return _pose_run(rng, run)
        except SharedNumbersError:
            continue


def _pose_run(rng: Rng, run: MachineRun) -> Problem:
    clauses = [Clause(text.format(what=run.what)) for text in rng.choice(TEXTS["steps"])]
    telling = ProcedureContext(
        run.asked,
        rng.choice(
            (
                f"the {run.what} at the start and the events",
                f"the first {run.what} and the events",
                f"the starting {run.what} and what happens then",
                f"the {run.what} in the beginning and the list of events",
            )
        ),
        facts=phrase_rules(rng, run),
        extras=tuple(TEXTS["extras"]),
    )
    run.working.add_sentence(
        rng.choice((f"So the {run.asked} is {run.answer}.", f"The {run.asked} is {run.answer}."))
    )
    domain = rng.choice(("practical", "code", "code"))
    return pose_problem(
        rng, telling, clauses, _phrase_question(rng, run), run.working, run.answer, domain
    )


def _phrase_question(rng: Rng, run: MachineRun) -> str:
    start = run.start
    wording = rng.choice(TEXTS["asks"])
    for slot, text in {
        "{s}": capitalize_first(start)
        if wording.startswith("{s}") or ". {s}" in wording
        else start,
        "{s_}": start,
        "{e}": phrase_events(rng, run.events),
        "{n}": run.asked,
        "{n_}": capitalize_first(run.asked),
        "{t}": run.thing,
    }.items():
        wording = wording.replace(slot, text)
    return vary_case(rng, fill_wording(rng, wording, {}))

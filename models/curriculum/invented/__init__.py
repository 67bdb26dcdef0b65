"""Problems with procedures that exist in one problem only: followed from a hint, not remembered.

`numeric` has quantities with a rule of their own, `strings` rules on words and lists, `machines`
small machines with states, `unit_systems` invented units and money. The entry of a problem is
enough to solve its question, and the question alone is not.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from models.curriculum.invented import machines, numeric, strings, unit_systems
from models.curriculum.problem import Problem

KINDS: dict[Callable[[random.Random], Problem], int] = {
    numeric.draw_quantity_problem: 52,
    strings.draw_string_problem: 18,
    machines.draw_machine_problem: 15,
    unit_systems.draw_unit_problem: 15,
}
"""Functions that draw a kind of problem, with the share of each in percent."""


def draw_invented_problem(rng: random.Random) -> Problem:
    """Draw a problem of any kind, by the shares."""
    return rng.choices(list(KINDS), list(KINDS.values()))[0](rng)

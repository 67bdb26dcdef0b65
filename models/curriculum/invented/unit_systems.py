"""Problems in invented units and money: conversions, sums and prices.

The procedure states the factors of the units.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction

from models.curriculum.invented.numeric_steps import format_number
from models.curriculum.invented.posing import (
    SharedNumbersError,
    WorkedSteps,
    pose_problem,
    vary_case,
)
from models.curriculum.invented.prose import Clause, ProcedureContext, capitalize_first, join_list
from models.curriculum.invented.unit_amounts import (
    TEXTS,
    UnitSystem,
    add_final_sentence,
    convert_amount,
    draw_amount,
    draw_unit_count,
    draw_unit_system,
    phrase_all_units,
    phrase_amount,
    phrase_conversion_steps,
    phrase_factors,
    work_conversion,
)
from models.curriculum.problem import Problem
from models.curriculum.slots import fill_wording

Rng = random.Random
_TASKS = ("down", "up", "mixed", "mixed", "sum", "less", "price", "split", "compare")


def draw_unit_problem(rng: Rng) -> Problem:
    """Draw a problem in invented units."""
    while True:
        try:
            return _pose_task(rng, draw_unit_system(rng), rng.choice(_TASKS))
        except (SharedNumbersError, _UnfitError):
            continue


class _UnfitError(Exception):
    """The values drawn do not make a problem; others have to be drawn."""


def _pose_task(rng: Rng, system: UnitSystem, task: str) -> Problem:
    kind = rng.choice([k for k in TEXTS["kinds"] if task != "price" or k["what"] == "money"])
    match task:
        case "down" | "up" | "mixed":
            solved = _solve_conversion(rng, system, task)
        case "sum" | "less":
            solved = _solve_combination(rng, system, task)
        case "price":
            solved = _solve_price(rng, system)
        case "split":
            solved = _solve_split(rng, system)
        case _:
            solved = _solve_comparison(rng, system)
    if not any("<<" in part for part in solved.working.join_text().split(" ")):
        raise _UnfitError
    telling = ProcedureContext(
        solved.name,
        solved.given,
        facts=phrase_factors(rng, system, kind["what"]),
        extras=tuple(TEXTS["extras"]),
    )
    values = {"thing": kind["thing"], "ask": kind["ask"], **solved.slots}
    wording = rng.choice(TEXTS[solved.asks])
    for slot, text in values.items():
        wording = wording.replace(f"{{{slot}}}", text)
    question = vary_case(rng, capitalize_first(fill_wording(rng, wording, {})))
    return pose_problem(
        rng,
        telling,
        solved.clauses,
        question,
        solved.working,
        solved.answer,
        str(kind["domain"]),
    )


@dataclass(frozen=True, slots=True)
class _SolvedTask:
    """A task with its solution, from which the problem is posed."""

    name: str
    given: str
    asks: str
    """Key of its wordings in units.toml."""
    slots: dict[str, str]
    clauses: list[Clause]
    working: WorkedSteps
    answer: str


def _solve_conversion(rng: Rng, system: UnitSystem, task: str) -> _SolvedTask:
    last = len(system.names) - 1
    if task == "up":
        return _solve_upward_conversion(rng, system)
    first = rng.randint(0, last - 1)
    to = rng.randint(first + 1, last)
    mixed = task == "mixed" and system.factors[0].denominator == 1
    amount = draw_amount(rng, system, first, to) if mixed else [(first, draw_unit_count(rng, 90))]
    work = WorkedSteps()
    work_conversion(rng, work, system, amount, to)
    answer = format_number(convert_amount(system, amount, to))
    add_final_sentence(rng, work, answer, system.format_plural(to))
    given = join_list(
        [f"the {system.format_plural(p)}" for p in range(first, to + 1 if mixed else first + 1)]
    )
    clauses = phrase_conversion_steps(rng, system, first, to, mixed)
    name = f"number of {system.format_plural(to)}"
    slots = {"q": phrase_amount(rng, system, amount), "to": system.format_plural(to)}
    return _SolvedTask(name, given, "convert", slots, clauses, work, answer)


def _solve_upward_conversion(rng: Rng, system: UnitSystem) -> _SolvedTask:
    last = len(system.names) - 1
    to = rng.randint(0, last - 1)
    start = rng.randint(to + 1, last)
    value = draw_unit_count(rng, 60) / rng.choice((1, 1, 1, 2, 4))
    number = value * convert_amount(system, [(to, Fraction(1))], start)
    if number.denominator != 1 or number > 99_999:
        raise _UnfitError
    work, clauses, shown = WorkedSteps(), [], format_number(number)
    up = rng.choice(TEXTS["going_up"])
    for place in range(start - 1, to - 1, -1):
        factor = format_number(system.factors[place])
        clauses.append(
            Clause(
                up.format(
                    a=system.format_plural(place), b=system.format_plural(place + 1), p=factor
                )
            )
        )
        shown = work.add_calculation(
            f"In {system.format_plural(place)}:", f"float({shown}/{factor})"
        )
    answer = format_number(value)
    add_final_sentence(rng, work, answer, system.format_plural(to))
    slots = {"q": phrase_amount(rng, system, [(start, number)]), "to": system.format_plural(to)}
    name, given = (
        f"number of {system.format_plural(to)}",
        f"the number of {system.format_plural(start)}",
    )
    return _SolvedTask(name, given, "convert", slots, clauses, work, answer)


def _solve_combination(rng: Rng, system: UnitSystem, task: str) -> _SolvedTask:
    """Add two amounts in mixed units, or subtract one from the other."""
    if system.factors[0].denominator != 1:
        raise _UnfitError
    to = rng.randint(1, len(system.names) - 1)
    first, second = (draw_amount(rng, system, 0, to) for _ in range(2))
    a, b = convert_amount(system, first, to), convert_amount(system, second, to)
    if task == "less" and a <= b:
        first, second, a, b = second, first, b, a
    if a == b:
        raise _UnfitError
    work = WorkedSteps()
    work.add_sentence("First amount.")
    left = work_conversion(rng, work, system, first, to)
    work.add_sentence("Second amount.")
    right = work_conversion(rng, work, system, second, to)
    sign = "+" if task == "sum" else "-"
    work.add_calculation("Together:" if task == "sum" else "The rest:", f"{left}{sign}{right}")
    answer = format_number(a + b if task == "sum" else a - b)
    add_final_sentence(rng, work, answer, system.format_plural(to))
    clauses = phrase_conversion_steps(rng, system, 0, to, True)
    joined = "add the two results" if task == "sum" else "subtract the second result from the first"
    clauses += [Clause(f"do the same with the second amount, all in {system.format_plural(to)}")]
    clauses += [Clause(joined)]
    name = f"{'total' if task == 'sum' else 'rest'} in {system.format_plural(to)}"
    slots = {"q": phrase_amount(rng, system, first), "r": phrase_amount(rng, system, second)}
    slots["to"] = system.format_plural(to)
    asks = "add_up" if task == "sum" else "take_off"
    return _SolvedTask(name, "the two amounts", asks, slots, clauses, work, answer)


def _solve_price(rng: Rng, system: UnitSystem) -> _SolvedTask:
    """Multiply a price in mixed coins by a number of things."""
    if system.factors[0].denominator != 1:
        raise _UnfitError
    to = rng.randint(1, len(system.names) - 1)
    amount, count = draw_amount(rng, system, 0, to), rng.randint(2, 15)
    work = WorkedSteps()
    one = work_conversion(rng, work, system, amount, to)
    work.add_calculation(f"For {count}:", f"{one}*{count}")
    answer = format_number(convert_amount(system, amount, to) * count)
    add_final_sentence(rng, work, answer, system.format_plural(to))
    clauses = [
        *phrase_conversion_steps(rng, system, 0, to, True),
        Clause(f"multiply the {system.format_plural(to)} by the number of pieces"),
    ]
    good = rng.choice(TEXTS["money_goods"])
    goods = {"loaf": "loaves"}.get(good, f"{good}s")
    slots = {
        "q": phrase_amount(rng, system, amount),
        "to": system.format_plural(to),
        "k": str(count),
    }
    slots |= {"good": good, "goods": goods}
    name = f"price in {system.format_plural(to)}"
    given = "the price of one piece and the number of pieces"
    return _SolvedTask(name, given, "price", slots, clauses, work, answer)


def _solve_split(rng: Rng, system: UnitSystem) -> _SolvedTask:
    """Change a number of small units into as many large ones as possible."""
    count = len(system.names)
    if count > 3 or system.factors[0].denominator != 1:
        raise _UnfitError
    whole = draw_amount(rng, system, 0, count - 1)
    parts = [dict(whole).get(p, Fraction(0)) for p in range(count)]
    total = convert_amount(system, whole, count - 1)
    work, clauses, rest, found = WorkedSteps(), [], format_number(total), [""] * count
    for place in range(count - 1, 0, -1):
        a, b = system.format_plural(place - 1), system.format_plural(place)
        factor = format_number(system.factors[place - 1])
        clauses.append(
            Clause(f"divide the {b} by {factor}; the whole part are {a}, the rest stays {b}")
        )
        found[place] = work.add_calculation(f"{capitalize_first(b)} left:", f"{rest}%{factor}")
        rest = work.add_calculation(f"{capitalize_first(a)}:", f"{rest}//{factor}")
    found[0] = rest
    answer = phrase_all_units(system, [format_number(p) for p in parts])
    work.reached = phrase_all_units(system, found)
    work.add_sentence(rng.choice((f"So it is {answer}.", f"That makes {answer}.")))
    slots = {"q": phrase_amount(rng, system, [(count - 1, total)])}
    slots |= dict(zip("abc", (system.format_plural(p) for p in range(count)), strict=False))
    return _SolvedTask(
        f"number of {join_list([system.format_plural(p) for p in range(count)])}",
        f"the number of {system.format_plural(count - 1)}",
        "split_two" if count == 2 else "split",
        slots,
        clauses,
        work,
        answer,
    )


def _solve_comparison(rng: Rng, system: UnitSystem) -> _SolvedTask:
    """Compare two amounts, one of which is in the smallest of the units."""
    if system.factors[0].denominator != 1:
        raise _UnfitError
    to = rng.randint(1, len(system.names) - 1)
    first = draw_amount(rng, system, 0, to)
    worth = convert_amount(system, first, to)
    other = worth + rng.choice((-1, 1)) * rng.randint(1, max(2, int(worth) // 3))
    if other < 2 or other == worth:
        raise _UnfitError
    said = phrase_amount(rng, system, first), phrase_amount(rng, system, [(to, other)])
    work = WorkedSteps()
    value = work_conversion(rng, work, system, first, to)
    more = work.add_calculation(
        "Is that more than the other?", f"{value}>{format_number(other)}", "."
    )
    work.reached = said[0] if more == "True" else said[1]
    answer = said[0] if worth > other else said[1]
    work.add_sentence(f"So {answer} is more.")
    clauses = [
        *phrase_conversion_steps(rng, system, 0, to, True),
        Clause(f"compare the two numbers of {system.format_plural(to)}"),
    ]
    clauses += [Clause("name the amount that is larger, as the question writes it")]
    order = said if rng.random() < 0.5 else (said[1], said[0])
    slots = {"q": order[0], "r": order[1]}
    return _SolvedTask("larger amount", "the two amounts", "compare", slots, clauses, work, answer)

"""Invented units and money: conversions, sums and prices, by factors that a procedure tells."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction

from models.curriculum.invented.numeric_steps import number_text
from models.curriculum.invented.posing import SharedNumbersError, Working, in_manner, pose_problem
from models.curriculum.invented.prose import Clause, Telling, capital, listed
from models.curriculum.invented.unit_amounts import (
    TEXTS,
    System,
    clauses_down,
    draw_amount,
    draw_number,
    draw_system,
    finish,
    say_amount,
    say_pieces,
    tell_factors,
    work_down,
    worth_of,
)
from models.curriculum.problem import Problem
from models.curriculum.slots import fill_wording

Rng = random.Random
_TASKS = ("down", "up", "mixed", "mixed", "sum", "less", "price", "split", "compare")


def draw(rng: Rng) -> Problem:
    """A problem in invented units."""
    while True:
        try:
            return _posed(rng, draw_system(rng), rng.choice(_TASKS))
        except (SharedNumbersError, _UnfitError):
            continue


class _UnfitError(Exception):
    """What was drawn makes no problem."""


def _posed(rng: Rng, system: System, task: str) -> Problem:
    kind = rng.choice([k for k in TEXTS["kinds"] if task != "price" or k["what"] == "money"])
    match task:
        case "down" | "up" | "mixed":
            solved = _convert(rng, system, task)
        case "sum" | "less":
            solved = _combine(rng, system, task)
        case "price":
            solved = _price(rng, system)
        case "split":
            solved = _split(rng, system)
        case _:
            solved = _compare(rng, system)
    if not any("<<" in part for part in solved.working.text().split(" ")):
        raise _UnfitError
    telling = Telling(
        solved.name,
        solved.given,
        facts=tell_factors(rng, system, kind["what"]),
        extras=tuple(TEXTS["extras"]),
    )
    values = {"thing": kind["thing"], "ask": kind["ask"], **solved.slots}
    wording = rng.choice(TEXTS[solved.asks])
    for slot, text in values.items():
        wording = wording.replace(f"{{{slot}}}", text)
    question = in_manner(rng, capital(fill_wording(rng, wording, {})))
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
class _Solved:
    """A task with its solution."""

    name: str
    given: str
    asks: str
    """Key of its questions."""
    slots: dict[str, str]
    clauses: list[Clause]
    working: Working
    answer: str


def _convert(rng: Rng, system: System, task: str) -> _Solved:
    last = len(system.names) - 1
    if task == "up":
        return _convert_up(rng, system)
    first = rng.randint(0, last - 1)
    to = rng.randint(first + 1, last)
    mixed = task == "mixed" and system.factors[0].denominator == 1
    amount = draw_amount(rng, system, first, to) if mixed else [(first, draw_number(rng, 90))]
    work = Working()
    work_down(rng, work, system, amount, to)
    answer = number_text(worth_of(system, amount, to))
    finish(rng, work, answer, system.many(to))
    given = listed([f"the {system.many(p)}" for p in range(first, to + 1 if mixed else first + 1)])
    clauses = clauses_down(rng, system, first, to, mixed)
    name = f"number of {system.many(to)}"
    slots = {"q": say_amount(rng, system, amount), "to": system.many(to)}
    return _Solved(name, given, "convert", slots, clauses, work, answer)


def _convert_up(rng: Rng, system: System) -> _Solved:
    last = len(system.names) - 1
    to = rng.randint(0, last - 1)
    start = rng.randint(to + 1, last)
    value = draw_number(rng, 60) / rng.choice((1, 1, 1, 2, 4))
    number = value * worth_of(system, [(to, Fraction(1))], start)
    if number.denominator != 1 or number > 99_999:
        raise _UnfitError
    work, clauses, shown = Working(), [], number_text(number)
    up = rng.choice(TEXTS["going_up"])
    for place in range(start - 1, to - 1, -1):
        factor = number_text(system.factors[place])
        clauses.append(Clause(up.format(a=system.many(place), b=system.many(place + 1), p=factor)))
        shown = work.calculate(f"In {system.many(place)}:", f"float({shown}/{factor})")
    answer = number_text(value)
    finish(rng, work, answer, system.many(to))
    slots = {"q": say_amount(rng, system, [(start, number)]), "to": system.many(to)}
    name, given = f"number of {system.many(to)}", f"the number of {system.many(start)}"
    return _Solved(name, given, "convert", slots, clauses, work, answer)


def _combine(rng: Rng, system: System, task: str) -> _Solved:
    """Two amounts in mixed units, together or one less the other."""
    if system.factors[0].denominator != 1:
        raise _UnfitError
    to = rng.randint(1, len(system.names) - 1)
    first, second = (draw_amount(rng, system, 0, to) for _ in range(2))
    a, b = worth_of(system, first, to), worth_of(system, second, to)
    if task == "less" and a <= b:
        first, second, a, b = second, first, b, a
    if a == b:
        raise _UnfitError
    work = Working()
    work.say("First amount.")
    left = work_down(rng, work, system, first, to)
    work.say("Second amount.")
    right = work_down(rng, work, system, second, to)
    sign = "+" if task == "sum" else "-"
    work.calculate("Together:" if task == "sum" else "The rest:", f"{left}{sign}{right}")
    answer = number_text(a + b if task == "sum" else a - b)
    finish(rng, work, answer, system.many(to))
    clauses = clauses_down(rng, system, 0, to, True)
    joined = "add the two results" if task == "sum" else "subtract the second result from the first"
    clauses += [Clause(f"do the same with the second amount, all in {system.many(to)}")]
    clauses += [Clause(joined)]
    name = f"{'total' if task == 'sum' else 'rest'} in {system.many(to)}"
    slots = {"q": say_amount(rng, system, first), "r": say_amount(rng, system, second)}
    slots["to"] = system.many(to)
    asks = "add_up" if task == "sum" else "take_off"
    return _Solved(name, "the two amounts", asks, slots, clauses, work, answer)


def _price(rng: Rng, system: System) -> _Solved:
    """So many things for a price in mixed coins."""
    if system.factors[0].denominator != 1:
        raise _UnfitError
    to = rng.randint(1, len(system.names) - 1)
    amount, count = draw_amount(rng, system, 0, to), rng.randint(2, 15)
    work = Working()
    one = work_down(rng, work, system, amount, to)
    work.calculate(f"For {count}:", f"{one}*{count}")
    answer = number_text(worth_of(system, amount, to) * count)
    finish(rng, work, answer, system.many(to))
    clauses = [
        *clauses_down(rng, system, 0, to, True),
        Clause(f"multiply the {system.many(to)} by the number of pieces"),
    ]
    good = rng.choice(TEXTS["money_goods"])
    goods = {"loaf": "loaves"}.get(good, f"{good}s")
    slots = {"q": say_amount(rng, system, amount), "to": system.many(to), "k": str(count)}
    slots |= {"good": good, "goods": goods}
    name = f"price in {system.many(to)}"
    given = "the price of one piece and the number of pieces"
    return _Solved(name, given, "price", slots, clauses, work, answer)


def _split(rng: Rng, system: System) -> _Solved:
    """Small units changed into as many large ones as possible."""
    count = len(system.names)
    if count > 3 or system.factors[0].denominator != 1:
        raise _UnfitError
    whole = draw_amount(rng, system, 0, count - 1)
    parts = [dict(whole).get(p, Fraction(0)) for p in range(count)]
    total = worth_of(system, whole, count - 1)
    work, clauses, rest, found = Working(), [], number_text(total), [""] * count
    for place in range(count - 1, 0, -1):
        a, b = system.many(place - 1), system.many(place)
        factor = number_text(system.factors[place - 1])
        clauses.append(
            Clause(f"divide the {b} by {factor}; the whole part are {a}, the rest stays {b}")
        )
        found[place] = work.calculate(f"{capital(b)} left:", f"{rest}%{factor}")
        rest = work.calculate(f"{capital(a)}:", f"{rest}//{factor}")
    found[0] = rest
    answer = say_pieces(system, [number_text(p) for p in parts])
    work.reached = say_pieces(system, found)
    work.say(rng.choice((f"So it is {answer}.", f"That makes {answer}.")))
    slots = {"q": say_amount(rng, system, [(count - 1, total)])}
    slots |= dict(zip("abc", (system.many(p) for p in range(count)), strict=False))
    return _Solved(
        f"number of {listed([system.many(p) for p in range(count)])}",
        f"the number of {system.many(count - 1)}",
        "split_two" if count == 2 else "split",
        slots,
        clauses,
        work,
        answer,
    )


def _compare(rng: Rng, system: System) -> _Solved:
    """Which of two amounts is larger; one of them is in the smallest unit of both."""
    if system.factors[0].denominator != 1:
        raise _UnfitError
    to = rng.randint(1, len(system.names) - 1)
    first = draw_amount(rng, system, 0, to)
    worth = worth_of(system, first, to)
    other = worth + rng.choice((-1, 1)) * rng.randint(1, max(2, int(worth) // 3))
    if other < 2 or other == worth:
        raise _UnfitError
    said = say_amount(rng, system, first), say_amount(rng, system, [(to, other)])
    work = Working()
    value = work_down(rng, work, system, first, to)
    more = work.calculate("Is that more than the other?", f"{value}>{number_text(other)}", ".")
    work.reached = said[0] if more == "True" else said[1]
    answer = said[0] if worth > other else said[1]
    work.say(f"So {answer} is more.")
    clauses = [
        *clauses_down(rng, system, 0, to, True),
        Clause(f"compare the two numbers of {system.many(to)}"),
    ]
    clauses += [Clause("name the amount that is larger, as the question writes it")]
    order = said if rng.random() < 0.5 else (said[1], said[0])
    slots = {"q": order[0], "r": order[1]}
    return _Solved("larger amount", "the two amounts", "compare", slots, clauses, work, answer)

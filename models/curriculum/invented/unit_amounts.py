"""Invented units: their factors, amounts in them, and conversions of amounts to one unit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.curriculum.invented.coining import coin_word
from models.curriculum.invented.numeric_steps import format_number
from models.curriculum.invented.posing import WorkedSteps
from models.curriculum.invented.prose import Clause, capitalize_first, join_list
from models.curriculum.invented.tables import read_table

Rng = random.Random
TEXTS = read_table("units")
_FACTORS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 24, 25, 30, 40, 50, 60, 100, 144)
_FRACTIONAL = ("1.5", "2.5", "0.4", "12.5", "3.2", "7.5")
Amount = list[tuple[int, Fraction]]
"""Pairs (place of the unit in its system, number), from the largest unit to the smallest."""


@dataclass(frozen=True, slots=True)
class UnitSystem:
    """Invented units from the largest to the smallest, with the factors between them."""

    names: tuple[str, ...]
    """Names in the singular; the plural has an `s`."""
    factors: tuple[Fraction, ...]
    """For each unit but the last, the number of the next smaller unit in it."""

    def format_plural(self, place: int) -> str:
        """Return the plural of the unit at this place."""
        return f"{self.names[place]}s"

    def format_count(self, number: Fraction, place: int) -> str:
        """Format a number of the unit at this place: `1 gorp`, `3 gorps`."""
        noun = self.names[place] if number == 1 else self.format_plural(place)
        return f"{format_number(number)} {noun}"


def draw_unit_system(rng: Rng) -> UnitSystem:
    """Draw a system of two to four units."""
    count = rng.choice((2, 2, 3, 3, 3, 4))
    names: list[str] = []
    while len(names) < count:
        name = coin_word(rng, rng.choice((1, 1, 2)))
        if name[-1] not in "sxh" and name not in names:
            names.append(name)
    if rng.random() < 0.08:
        return UnitSystem(tuple(names[:2]), (Fraction(rng.choice(_FRACTIONAL)),))
    factors = rng.sample(_FACTORS, count - 1)
    return UnitSystem(tuple(names), tuple(Fraction(f) for f in factors))


def phrase_factors(rng: Rng, system: UnitSystem, what: str) -> tuple[str, ...]:
    """Return sentences that state the factors of the units of `what`."""
    rows = [
        (a, format_number(f), f"{b}s")
        for a, b, f in zip(system.names, system.names[1:], system.factors, strict=False)
    ]
    if rng.random() < 0.35:
        one = ", ".join(f"a {a} is {p} {b}" for a, p, b in rows)
        return (f"For {what}, {one}.",)
    if rng.random() < 0.3:
        stated = "; ".join(f"1 {a} = {p} {b}" for a, p, b in rows)
        return (rng.choice((f"Units of {what}: {stated}.", f"{capitalize_first(stated)}.")),)
    text = rng.choice(TEXTS["facts_two"])
    return tuple(text.format(a1=a, p=p, b=b) for a, p, b in rng.sample(rows, len(rows)))


def draw_unit_count(rng: Rng, most: int = 40) -> Fraction:
    """Draw a number of units from 2 to `most`; small numbers are frequent."""
    return Fraction(rng.randint(2, rng.choice((9, most, most))))


def draw_amount(rng: Rng, system: UnitSystem, first: int, last: int) -> Amount:
    """Draw an amount in the units from place `first` to place `last`.

    Each number is smaller than one of the next larger unit.
    """
    amount: Amount = [(first, draw_unit_count(rng))]
    for place in range(first + 1, last + 1):
        most = int(system.factors[place - 1]) - 1
        if most >= 1 and (place == last or rng.random() < 0.8):
            amount.append((place, Fraction(rng.randint(1, max(1, most)))))
    return amount


def phrase_amount(rng: Rng, system: UnitSystem, amount: Amount) -> str:
    """Return the amount as people write it."""
    parts = [system.format_count(number, place) for place, number in amount]
    return join_list(parts) if rng.random() < 0.8 else " ".join(parts)


def convert_amount(system: UnitSystem, amount: Amount, to: int) -> Fraction:
    """Return the amount as a number of the unit at place `to`."""
    worth = [Fraction(1)] * len(system.names)
    for place in range(len(system.names) - 2, -1, -1):
        worth[place] = worth[place + 1] * system.factors[place]
    return sum((n * worth[p] for p, n in amount), Fraction(0)) / worth[to]


def phrase_conversion_steps(
    rng: Rng, system: UnitSystem, first: int, to: int, filled: bool
) -> list[Clause]:
    """Return the steps from the unit at `first` down to a smaller one at `to`.

    `filled` adds to each step the numbers given in the smaller units.
    """
    clauses: list[Clause] = []
    down, adding = rng.choice(TEXTS["going_down"]), rng.choice(TEXTS["adding"])
    for place in range(first, to):
        words = down.format(
            a=system.format_plural(place),
            b=system.format_plural(place + 1),
            p=format_number(system.factors[place]),
        )
        more = f" and {adding.format(b=system.format_plural(place + 1))}" if filled else ""
        clauses.append(Clause(words + more))
    return clauses


def work_conversion(
    rng: Rng, work: WorkedSteps, system: UnitSystem, amount: Amount, to: int
) -> Fraction:
    """Append the conversion of the amount to a smaller unit to `work`; return its result."""
    there = dict(amount)
    first, value = amount[0]
    lead = rng.choice(("In {b}:", "From {a} to {b}:", "I turn the {a} into {b}:"))
    for place in range(first, to):
        more = there.get(place + 1, Fraction(0))
        expression = f"{format_number(value)}*{format_number(system.factors[place])}"
        expression += f"+{format_number(more)}" if more else ""
        result = work.add_calculation(
            lead.format(a=system.format_plural(place), b=system.format_plural(place + 1)),
            expression,
        )
        value = Fraction(result)
    return value


def phrase_all_units(system: UnitSystem, numbers: Sequence[str]) -> str:
    """Return a text with the numbers of all units: `2 gorps, 0 lims and 5 tacks`."""
    said = [system.format_count(Fraction(n), p) for p, n in enumerate(numbers)]
    return join_list(said)


def add_final_sentence(rng: Rng, work: WorkedSteps, answer: str, unit: str) -> None:
    """Append a sentence with the answer and its unit to `work`."""
    work.add_sentence(
        rng.choice(
            (
                f"So it is {answer} {unit}.",
                f"That makes {answer} {unit}.",
                f"The answer is {answer} {unit}.",
            )
        )
    )

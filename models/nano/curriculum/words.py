"""Names, inputs and the ways in which people give numbers."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from models.nano.curriculum.arithmetic import listed
from models.nano.curriculum.tables import table
from models.seed.handwritten import handwritten

Rng = random.Random

CONSONANTS = "bcdfghjklmnprstvwxz"
VOWELS = "aeiou"
ENDINGS = ("", "", "n", "r", "k", "x", "l", "t", "sh", "nd", "s", "m")

WORDS = table("words")


def made_up(rng: Rng) -> str:
    """A word that no language has, e.g. `zorbal`."""
    syllables = rng.choice((2, 2, 2, 3))
    return "".join(
        rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(syllables)
    ) + rng.choice(ENDINGS)


@cache
def plain_words() -> tuple[str, ...]:
    """Words of the hand-written entries that stand in few of them: terms rather than glue."""
    texts = [f"{e.subproblem} {e.subroutine}".lower() for e in handwritten()]
    seen = Counter(word for text in texts for word in set(re.findall(r"[a-z]{4,12}", text)))
    return tuple(sorted(word for word, entries in seen.items() if entries <= len(texts) // 12))


def plain_word(rng: Rng) -> str:
    """A word that people know."""
    return str(rng.choice(plain_words() or WORDS["nouns"]))


def procedure_name(rng: Rng, taken: frozenset[str]) -> str:
    """A name for an invented procedure: made-up words or plain ones; never a `taken` one."""
    while True:
        name = _name(rng)
        if name not in taken:
            return name


def _name(rng: Rng) -> str:
    kind = rng.random()
    if kind < 0.36:
        return made_up(rng)
    if kind < 0.46:
        return f"{made_up(rng)} {rng.choice(WORDS['nouns'])}"
    if kind < 0.56:
        return str(rng.choice(WORDS["nouns"]))
    if kind < 0.66:
        return f"{rng.choice(WORDS['adjectives'])} {rng.choice(WORDS['nouns'])}"
    if kind < 0.74:
        return plain_word(rng)
    if kind < 0.9:
        return f"{plain_word(rng)}{rng.choice('   -')}{plain_word(rng)}"
    if kind < 0.95:
        return f"{plain_word(rng)} of {plain_word(rng)}"
    return f"{plain_word(rng)}{rng.choice('  -')}{plain_word(rng)} {plain_word(rng)}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An input that people know by its unit."""

    unit: str
    clause: str
    """How a thing has it, e.g. `moves at {v} m/s`."""


QUANTITIES = {name: Quantity(**row) for name, row in WORDS["quantities"].items()}


def spoken(rng: Rng, inputs: dict[str, int]) -> dict[str, int]:
    """The inputs, one of them now and then under another name that none of them bears."""
    others = WORDS["synonyms"]
    renamed = {
        i: others[i]
        for i in inputs
        if i in others and others[i] not in inputs and rng.random() < 0.12
    }
    return {renamed.get(i, i): value for i, value in inputs.items()}


def article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def given(rng: Rng, inputs: dict[str, int]) -> str:
    """Named inputs as people write them, ready to stand before a question; ends in a full stop."""
    units = {
        r: f" {QUANTITIES[r].unit}" if r in QUANTITIES and rng.random() < 0.6 else ""
        for r in inputs
    }
    thing = rng.choice(WORDS["things"])
    style = rng.randrange(7)
    if style == 0:
        return f"The {listed([f'{r} is {v}{units[r]}' for r, v in inputs.items()], 'and the')}."
    if style == 1:
        has = [f"{article(r)} {r} of {v}{units[r]}" for r, v in inputs.items()]
        return f"{article(thing).title()} {thing} has {listed(has)}."
    if style == 2 and all(r in QUANTITIES for r in inputs):
        (first, value), *others = inputs.items()
        has = [QUANTITIES[r].clause.format(v=v) for r, v in others]
        if has and rng.random() < 0.5:
            return f"A {value} {QUANTITIES[first].unit} {thing} {listed(has)}."
        has.insert(0, QUANTITIES[first].clause.format(v=value))
        return f"{article(thing).title()} {thing} {listed(has)}."
    if style == 3:
        return f"{', '.join(f'{r} = {v}{units[r]}' for r, v in inputs.items())}."
    if style == 4:
        return f"{', '.join(f'{r}: {v}{units[r]}' for r, v in inputs.items())}."
    if style == 5:
        return f"Given {listed([f'{r} {v}{units[r]}' for r, v in inputs.items()])}."
    return f"Let the {listed([f'{r} be {v}{units[r]}' for r, v in inputs.items()], 'and the')}."


def tail(rng: Rng, inputs: dict[str, int]) -> str:
    """Named inputs as they follow a question word, e.g. `for mass 4 kg and speed 3 m/s`."""
    parts = [
        f"{r} {v}{' ' + QUANTITIES[r].unit if r in QUANTITIES and rng.random() < 0.6 else ''}"
        for r, v in inputs.items()
    ]
    style = rng.randrange(5)
    if style == 0:
        return f"of a {rng.choice(WORDS['things'])} with {listed(parts)}"
    if style == 1:
        return f"for {listed([f'{r} = {v}' for r, v in inputs.items()])}"
    if style == 2:
        return f"if the {listed([f'{r} is {v}' for r, v in inputs.items()], 'and the')}"
    if style == 3:
        return f"with {listed([f'{article(r)} {r} of {v}' for r, v in inputs.items()])}"
    return f"for {listed(parts)}"


def plain_question(rng: Rng, name: str, inputs: dict[str, int]) -> str:
    """A question whose inputs are letters: `What is the zorbal of 12 and 5?`"""
    values = list(inputs.values())
    equals = rng.choice((", ", " and ")).join(
        f"{k}{rng.choice(('=', ' = '))}{v}" for k, v in inputs.items()
    )
    numbers = grouped(rng, values) if len(values) == 4 else listed(values)
    form = rng.randrange(10)
    if form == 0:
        return f"Let {equals}. {rng.choice(WORDS['asks_after']).format(n=name)}"
    if form == 1:
        return f"{name}({', '.join(map(str, values))}) = ?"
    if form == 2:
        return f"{name} of {numbers}?"
    where = rng.choice(WORDS["givens"]).format(v=numbers, e=equals, t=numbers)
    return str(rng.choice(WORDS["asks"]).format(n=name, t=where))


def grouped(rng: Rng, values: list[int]) -> str:
    """Four numbers as two points or a matrix."""
    a, b, c, d = values
    return rng.choice(
        (
            f"({a}, {b}) and ({c}, {d})",
            f"[[{a}, {b}], [{c}, {d}]]",
            f"({a},{b}) and ({c},{d})",
            f"{a}, {b}, {c} and {d}",
            f"[{a}, {b}] and [{c}, {d}]",
        )
    )


def named_question(rng: Rng, name: str, inputs: dict[str, int]) -> str:
    """A question whose inputs are words, in any order."""
    items = list(inputs.items())
    rng.shuffle(items)
    shuffled = dict(items)
    if rng.random() < 0.55:
        return f"{given(rng, shuffled)} {rng.choice(WORDS['asks_after']).format(n=name)}"
    return str(rng.choice(WORDS["asks"]).format(n=name, t=tail(rng, shuffled)))

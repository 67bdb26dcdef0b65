"""Draws names, inputs, and the wordings in which people give numbers."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from models.nano.curriculum.arithmetic import join_list
from models.nano.curriculum.tables import read_table
from models.seed.handwritten import read_handwritten_entries

Rng = random.Random

CONSONANTS = "bcdfghjklmnprstvwxz"
VOWELS = "aeiou"
ENDINGS = ("", "", "n", "r", "k", "x", "l", "t", "sh", "nd", "s", "m")

WORDS = read_table("words")


def make_up_word(rng: Rng) -> str:
    """Make up a word that no language has, such as `zorbal`."""
    syllables = rng.choice((2, 2, 2, 3))
    return "".join(
        rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(syllables)
    ) + rng.choice(ENDINGS)


@cache
def list_plain_words() -> tuple[str, ...]:
    """Return the words that are in few handwritten entries: terms, not function words."""
    texts = [f"{e.subproblem} {e.subroutine}".lower() for e in read_handwritten_entries()]
    seen = Counter(word for text in texts for word in set(re.findall(r"[a-z]{4,12}", text)))
    return tuple(sorted(word for word, entries in seen.items() if entries <= len(texts) // 12))


def draw_plain_word(rng: Rng) -> str:
    """Draw a common word."""
    return str(rng.choice(list_plain_words() or WORDS["nouns"]))


def draw_procedure_name(rng: Rng, taken: frozenset[str]) -> str:
    """Draw a name for an invented procedure, of made-up or plain words; none in `taken`."""
    while True:
        name = _draw_name(rng)
        if name not in taken:
            return name


def _draw_name(rng: Rng) -> str:
    kind = rng.random()
    if kind < 0.36:
        return make_up_word(rng)
    if kind < 0.46:
        return f"{make_up_word(rng)} {rng.choice(WORDS['nouns'])}"
    if kind < 0.56:
        return str(rng.choice(WORDS["nouns"]))
    if kind < 0.66:
        return f"{rng.choice(WORDS['adjectives'])} {rng.choice(WORDS['nouns'])}"
    if kind < 0.74:
        return draw_plain_word(rng)
    if kind < 0.9:
        return f"{draw_plain_word(rng)}{rng.choice('   -')}{draw_plain_word(rng)}"
    if kind < 0.95:
        return f"{draw_plain_word(rng)} of {draw_plain_word(rng)}"
    return f"{draw_plain_word(rng)}{rng.choice('  -')}{draw_plain_word(rng)} {draw_plain_word(rng)}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An input with a usual unit."""

    unit: str
    clause: str
    """Clause about a thing with the quantity: `moves at {v} m/s`."""


QUANTITIES = {name: Quantity(**row) for name, row in WORDS["quantities"].items()}


def vary_inputs(rng: Rng, inputs: dict[str, int]) -> dict[str, int]:
    """Return the inputs in random order, in rare cases one renamed, or an unneeded one added."""
    others = WORDS["synonyms"]
    renamed = {
        i: others[i]
        for i in inputs
        if i in others and others[i] not in inputs and rng.random() < 0.12
    }
    asked = {renamed.get(i, i): value for i, value in inputs.items()}
    if len(asked) < 4 and rng.random() < 0.06:
        asked.setdefault(rng.choice(WORDS["inputs"]), rng.randint(1, 99))
    items = list(asked.items())
    rng.shuffle(items)
    return dict(items)


def choose_article(noun: str) -> str:
    """Return the indefinite article of the noun."""
    return "an" if noun[0] in "aeiou" else "a"


def draw_thing(rng: Rng) -> str:
    """Draw a noun for a thing that has the inputs, such as `ball`."""
    return draw_plain_word(rng) if rng.random() < 0.3 else str(rng.choice(WORDS["things"]))


def format_amount(rng: Rng, name: str, value: int) -> str:
    """Return the value of an input as people write it, without or with its unit."""
    if name in QUANTITIES and rng.random() < 0.6:
        return f"{value} {QUANTITIES[name].unit}"
    style = rng.random()
    return f"${value}" if style < 0.03 else f"{value}%" if style < 0.06 else str(value)


def format_clauses(inputs: dict[str, int]) -> list[str]:
    """Return a clause for each input: `weighs 4 kg`; empty if one has no usual unit."""
    if not all(i in QUANTITIES for i in inputs):
        return []
    return [QUANTITIES[i].clause.format(v=v) for i, v in inputs.items()]


def phrase_given(rng: Rng, inputs: dict[str, int]) -> str:
    """Return the named inputs as a sentence before the question."""
    stated = {i: format_amount(rng, i, v) for i, v in inputs.items()}
    thing = draw_thing(rng)
    has = format_clauses(inputs)
    if has and rng.random() < 0.3:
        (first, value), *_ = inputs.items()
        if len(has) > 1 and rng.random() < 0.5:
            return f"A {value} {QUANTITIES[first].unit} {thing} {join_list(has[1:])}."
        return f"{choose_article(thing).title()} {thing} {join_list(has)}."
    forms = {
        "The {}.": join_list([f"{i} is {v}" for i, v in stated.items()], "and the"),
        "{}.": ", ".join(f"{i} = {v}" for i, v in stated.items()),
        "{} .": ", ".join(f"{i}: {v}" for i, v in stated.items()),
        "Given {}.": join_list([f"{i} {v}" for i, v in stated.items()]),
        "Let the {}.": join_list([f"{i} be {v}" for i, v in stated.items()], "and the"),
        f"{choose_article(thing).title()} {thing} has {{}}.": join_list(
            [f"{choose_article(i)} {i} of {v}" for i, v in stated.items()]
        ),
        f"There is {choose_article(thing)} {thing} with {{}}.": join_list(
            [f"{i} {v}" for i, v in stated.items()]
        ),
    }
    form = rng.choice(list(forms))
    return form.format(forms[form]).replace(" .", ".")


def phrase_tail(rng: Rng, inputs: dict[str, int]) -> str:
    """Return the named inputs as the end of a question: `for mass 4 kg and speed 3 m/s`."""
    stated = {i: format_amount(rng, i, v) for i, v in inputs.items()}
    thing = draw_thing(rng)
    has = format_clauses(inputs)
    if has and rng.random() < 0.25:
        return f"of {choose_article(thing)} {thing} that {join_list(has)}"
    of = join_list([f"{choose_article(i)} {i} of {v}" for i, v in stated.items()])
    forms = (
        f"of a {thing} with {join_list([f'{i} {v}' for i, v in stated.items()])}",
        f"of a {thing} with {of}",
        f"for {join_list([f'{i} = {v}' for i, v in stated.items()])}",
        f"if the {join_list([f'{i} is {v}' for i, v in stated.items()], 'and the')}",
        f"with {of}",
        f"for {of}",
        f"for {join_list([f'{i} {v}' for i, v in stated.items()])}",
        f"for {join_list([f'{v} {i}' for i, v in inputs.items()])}",
        f"from {join_list([f'{i} {v}' for i, v in stated.items()])}",
    )
    return rng.choice(forms)


def vary_ending(rng: Rng, question: str) -> str:
    """Return the question, in rare cases with a word as the unit of the answer."""
    if rng.random() > 0.06 or question[-1] not in ".?":
        return question
    return f"{question[:-1]} in {draw_plain_word(rng)}{question[-1]}"


def phrase_question(rng: Rng, name: str) -> str:
    """Return a question after the given values: `What is its zorbal?`"""
    asides = WORDS["asides"]
    before = f"{rng.choice(asides)} " if rng.random() < 0.06 else ""
    question = rng.choice(WORDS["asks_after"]).format(n=name, thing=draw_thing(rng))
    return before + vary_ending(rng, question)


def phrase_letter_question(rng: Rng, name: str, inputs: dict[str, int]) -> str:
    """Return a question whose inputs are letters: `What is the zorbal of 12 and 5?`"""
    values = list(inputs.values())
    equals = rng.choice((", ", " and ")).join(
        f"{k}{rng.choice(('=', ' = '))}{v}" for k, v in inputs.items()
    )
    numbers = group_four_numbers(rng, values) if len(values) == 4 else join_list(values)
    form = rng.randrange(10)
    if form == 0:
        return f"Let {equals}. {phrase_question(rng, name)}"
    if form == 1:
        return f"{name}({', '.join(map(str, values))}) = ?"
    if form == 2:
        return f"{name} of {numbers}?"
    where = rng.choice(WORDS["givens"]).format(v=numbers, e=equals, t=numbers)
    if len(values) == 1 and rng.random() < 0.25:
        where = f"of a {draw_thing(rng)} with {values[0]} {draw_plain_word(rng)}"
    return str(rng.choice(WORDS["asks"]).format(n=name, t=where))


def group_four_numbers(rng: Rng, values: list[int]) -> str:
    """Return four numbers as two points, as a matrix or as a list."""
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


def phrase_named_question(rng: Rng, name: str, inputs: dict[str, int]) -> str:
    """Return a question whose inputs have names, in their order."""
    if rng.random() < 0.55:
        return f"{phrase_given(rng, inputs)} {phrase_question(rng, name)}"
    return vary_ending(rng, rng.choice(WORDS["asks"]).format(n=name, t=phrase_tail(rng, inputs)))

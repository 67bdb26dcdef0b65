"""Phrases a procedure: its subproblem as a question, its subroutine in the first person."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from models.nano.curriculum.arithmetic import join_list
from models.nano.curriculum.procedure import Step, add_article
from models.seed.handwritten import read_handwritten_entries

Rng = random.Random
COUNTS = {1: "a number", 2: "two numbers", 3: "three numbers", 4: "four numbers"}

SUBPROBLEMS = (
    "How to compute the {n} {f}?",
    "How do I find the {n} {f}?",
    "How to work out the {n} {f}?",
    "How is the {n} calculated {f}?",
    "What are the steps to get the {n} {f}?",
    "How can the {n} be found {f}?",
    "Procedure for the {n} {f}",
)
OPENINGS = (
    "For problems like this, I should",
    "For problems like this, I should",
    "To solve problems of this kind, I",
    "When I am asked for this, I",
    "For this I",
    "I should",
)
PREFACES = (
    "",
    "",
    "",
    "",
    "I first write down what is given. ",
    "I read the numbers off the problem. ",
    "This is a fixed chain of steps. ",
    "The order of the steps matters. ",
    "The {n} follows from the given numbers. ",
    "The {n} needs nothing but arithmetic. ",
)
CLOSINGS = (
    "",
    "",
    "",
    "",
    " The last value is the answer.",
    " The result is the {n}.",
    " That is the {n}.",
    " I check each step before I go on.",
    " Then I state the result.",
)


def format_canonical_subproblem(name: str, inputs: Sequence[str]) -> str:
    """Return the subproblem in the wording that the model learns to write."""
    return f"How to compute the {name} {phrase_inputs(inputs)}?"


def phrase_inputs(inputs: Sequence[str], letters: bool = False) -> str:
    """Return `of two numbers`, `of two numbers a and b`, or `from the mass and the speed`."""
    if len(inputs[0]) == 1 or inputs[0].endswith("number"):
        shown = f" {join_list(inputs)}" if letters and len(inputs[0]) == 1 else ""
        return f"of {COUNTS[len(inputs)]}{shown}"
    return f"from {join_list([add_article(i) for i in inputs])}"


def phrase_subproblem(rng: Rng, name: str, inputs: Sequence[str]) -> str:
    """Return the subproblem in a random wording of an entry; letters are always introduced."""
    return rng.choice(SUBPROBLEMS).format(n=name, f=phrase_inputs(inputs, letters=True))


def phrase_subroutine(rng: Rng, name: str, steps: Sequence[Step]) -> str:
    """Return the steps as a subroutine in one of several styles."""
    words = [s.words for s in steps]
    style = rng.randrange(4)
    if style == 0:
        body = f"{rng.choice(OPENINGS)} {_join_chain(rng, words)}."
    elif style == 1:
        rest = [
            f"{rng.choice(('Then I', 'Next I', 'After that I', 'I', 'Now I'))} {w}."
            for w in words[1:]
        ]
        body = f"{rng.choice(OPENINGS)} {' '.join([words[0] + '.', *rest])}"
    elif style == 2:
        body = " ".join(f"Step {i}: {w}." for i, w in enumerate(words, 1))
    else:
        body = f"{rng.choice(OPENINGS)} do this: {'; '.join(words)}."
    before = f"{_draw_aside(rng)} " if rng.random() < 0.2 else rng.choice(PREFACES).format(n=name)
    after = f" {_draw_aside(rng)}" if rng.random() < 0.2 else rng.choice(CLOSINGS).format(n=name)
    return f"{before}{body}{after}"


@cache
def _list_asides() -> tuple[str, ...]:
    """Return short sentences of the handwritten entries, which belong to no invented procedure."""
    sentences = (
        s.strip() for entry in read_handwritten_entries() for s in entry.subroutine.split(". ")
    )
    return tuple(s.rstrip(".") + "." for s in sentences if 20 < len(s) < 110 and s[0].isupper())


def _draw_aside(rng: Rng) -> str:
    return rng.choice(_list_asides() or ("I check each step.",))


def _join_chain(rng: Rng, words: Sequence[str]) -> str:
    if len(words) == 1:
        return words[0]
    link = rng.choice((", then ", ", and then ", ", next "))
    last = rng.choice((", and finally ", ", then ", ", and at the end "))
    return link.join(words[:-1]) + last + words[-1]

"""Problems with procedures that exist in one problem only: followed from a hint, not remembered."""

from __future__ import annotations

import random

from models.nano.curriculum import telling, words
from models.nano.curriculum.arithmetic import join_list
from models.nano.curriculum.problem import Problem
from models.nano.curriculum.procedure import (
    JOINING,
    OutOfReachError,
    Step,
    add_article,
    draw_worded_step,
    work_steps,
)
from rm_local.records import Entry

Rng = random.Random
LETTERS = (("a", "b", "c", "d"), ("x", "y", "z", "w"), ("m", "n", "p", "q"), ("u", "v", "s", "t"))
POSITIONS = ("first number", "second number", "third number")
WITH_INPUT = (
    "add",
    "subtract",
    "multiply",
    "add",
    "subtract",
    "multiply",
    "divide",
    "larger",
    "smaller",
    "from",
    "remainder",
)
WITH_CONSTANT = ("add", "subtract", "multiply", "divide", "remainder", "larger", "smaller", "from")
ALONE = ("double", "halve", "itself", "last", "digits")
PAIRS = ("sum", "difference", "product", "product", "quotient", "gap")


def draw_invented_problem(rng: Rng, taken: frozenset[str] = frozenset()) -> Problem:
    """Draw a problem of a new procedure whose name is not in `taken`."""
    while True:
        inputs = _draw_inputs(rng)
        steps = _draw_steps(rng, inputs)
        for _ in range(12):
            values = {i: _draw_value(rng) for i in inputs}
            try:
                clauses, result = work_steps(steps, values)
            except OutOfReachError:
                continue
            return build_problem(
                rng, words.draw_procedure_name(rng, taken), values, steps, clauses, result
            )


def build_problem(
    rng: Rng, name: str, values: dict[str, int], steps: tuple[Step, ...], clauses: str, result: int
) -> Problem:
    """Build the problem that asks for the result of these steps on these values."""
    inputs = list(values)
    plain = len(inputs[0]) == 1 or inputs[0].endswith("number")
    asked = values if plain else words.vary_inputs(rng, values)
    question = _phrase_question(rng, name, asked, plain)
    return Problem(
        family="invented",
        name=name,
        question=question,
        subproblem=telling.format_canonical_subproblem(name, list(asked)),
        entry=Entry(
            telling.phrase_subproblem(rng, name, inputs),
            telling.phrase_subroutine(rng, name, steps),
            "math",
        ),
        steps=f"{phrase_values(values)} {clauses}. So it is {result}.",
        answer=str(result),
        known=False,
    )


def phrase_values(values: dict[str, int]) -> str:
    """Return the given values as a sentence: `Here the mass is 4 and the speed is 3.`"""
    return f"Here {join_list([f'{add_article(i)} is {v}' for i, v in values.items()])}."


def _phrase_question(rng: Rng, name: str, values: dict[str, int], plain: bool) -> str:
    if not plain:
        return words.phrase_named_question(rng, name, values)
    if len(next(iter(values))) > 1:
        return (
            words.phrase_letter_question(rng, name, values)
            .replace(" number=", "=")
            .replace(" number =", " =")
        )
    return words.phrase_letter_question(rng, name, values)


def _draw_inputs(rng: Rng) -> tuple[str, ...]:
    count = rng.choices((1, 2, 3, 4), (15, 50, 22, 13))[0]
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(LETTERS)[:count]
    if kind < 0.47 and count < 4:
        return POSITIONS[:count]
    pool = words.QUANTITIES if rng.random() < 0.45 else words.WORDS["inputs"]
    chosen = [_draw_input(rng, usual) for usual in rng.sample(list(pool), count)]
    return tuple(chosen) if len(set(chosen)) == count else _draw_inputs(rng)


def _draw_input(rng: Rng, usual: str) -> str:
    kind = rng.random()
    return (
        words.make_up_word(rng)
        if kind < 0.12
        else words.draw_plain_word(rng)
        if kind < 0.4
        else usual
    )


def _draw_value(rng: Rng) -> int:
    return rng.choice(
        (rng.randint(1, 12), rng.randint(1, 30), rng.randint(1, 99), rng.randint(1, 12) * 10)
    )


def _draw_steps(rng: Rng, inputs: tuple[str, ...]) -> tuple[Step, ...]:
    """Draw two to five steps that use every input; in rare cases only one."""
    left = list(inputs)
    rng.shuffle(left)
    steps = [_draw_opening_step(rng, left)]
    if rng.random() < 0.15:
        steps.append(_draw_further_step(rng, []))
    if (len(left) >= 2 and rng.random() < 0.75) or (left and rng.random() < 0.2):
        steps.append(_draw_opening_step(rng, left))
        if rng.random() < 0.15:
            steps.append(_draw_further_step(rng, []))
        steps.append(
            draw_worded_step(
                rng, rng.choice((*JOINING[:3], JOINING[0], *JOINING[: 1 + rng.randrange(4)]))
            )
        )
    while left:
        steps.append(_draw_further_step(rng, left))
    for _ in range(rng.choice((0, 1, 1, 2)) if len(steps) < 4 else 0):
        steps.append(_draw_further_step(rng, []))
    return (
        tuple(steps)
        if len(steps) > 1 or rng.random() < 0.5
        else (*steps, _draw_further_step(rng, list(inputs)[:1]))
    )


def _draw_opening_step(rng: Rng, left: list[str]) -> Step:
    """Draw a step on one or two inputs, which are removed from `left`."""
    if len(left) >= 2 and rng.random() < 0.5:
        return draw_worded_step(rng, rng.choice(PAIRS), left.pop(), left.pop())
    return draw_worded_step(rng, rng.choice(("take", "take", "take", "square")), left.pop())


def _draw_further_step(rng: Rng, left: list[str]) -> Step:
    """Draw a step on the running value, with an input removed from `left` if there is one."""
    if left:
        return draw_worded_step(rng, rng.choice(WITH_INPUT), left.pop())
    if rng.random() < 0.35:
        return draw_worded_step(rng, rng.choice(ALONE))
    kind = rng.choice(WITH_CONSTANT)
    constant = (
        rng.randint(2, 12) if kind in ("multiply", "divide", "remainder") else rng.randint(1, 40)
    )
    if kind in ("multiply", "divide", "from") and rng.random() < 0.2:
        constant = rng.choice((10, 100, 60, 20, 50))
    if kind == "from" and rng.random() < 0.5:
        constant = rng.choice((100, 180, 90, 360))
    return draw_worded_step(rng, kind, constant)

"""Quantities computed by a rule that exists only in one sample: made-up ones and daily ones."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from models.curriculum.invented import lookalikes, numeric_asking, numeric_rules
from models.curriculum.invented.numeric_inputs import Rule
from models.curriculum.invented.numeric_steps import (
    ABOVE,
    OutOfReachError,
    calculation,
    formula_text,
    holds,
    number_text,
    running_text,
    valued,
    word_clauses,
    work_out,
)
from models.curriculum.invented.posing import SharedNumbersError, Working, pose_problem
from models.curriculum.invented.prose import Clause, Telling, listed
from models.curriculum.problem import Problem

Rng = random.Random
_TRIES = 40
"""Draws of inputs for a rule before another rule is drawn."""
_BOUND = 0.3
"""Share of worked problems that begin with the values that are given."""


def draw(rng: Rng) -> Problem:
    """A problem about an invented quantity."""
    while True:
        rule = numeric_rules.draw_rule(rng)
        if lookalikes.is_held_out(rule.steps, tuple(rule.inputs)):
            continue
        for _ in range(_TRIES):
            inputs = {key: i.values.draw(rng) for key, i in rule.inputs.items()}
            try:
                values = work_out(rule.steps, inputs)
            except OutOfReachError:
                continue
            if not _plain(rule, inputs, values):
                continue
            try:
                return _posed(rng, rule, inputs, values)
            except SharedNumbersError:
                continue


def _plain(rule: Rule, inputs: Mapping[str, Fraction], values: Sequence[Fraction]) -> bool:
    """No value is negative unless it may be, and no input is a number of the rule."""
    constants = {o for s in rule.steps for o in (s.a, s.b, s.limit, s.c) if isinstance(o, Fraction)}
    percent = any(s.operation == "percent_of" for s in rule.steps)
    least = -BELOW_ZERO if rule.negative and not percent else 0
    if rule.steps[-1].operation == "ratio" and not all(
        v.denominator == 1 for v in (*inputs.values(), *values[:-1])
    ):
        return False
    if any(inputs[key] == 1 for key, each in rule.inputs.items() if each.plural):
        return False
    different = len(set(inputs.values())) == len(inputs)
    return (
        not constants & set(inputs.values())
        and different
        and all(v >= least for v in values)
        and values[-1] not in inputs.values()
    )


BELOW_ZERO = 500
"""How far below zero a value may lie where it may be negative."""


def _posed(
    rng: Rng, rule: Rule, inputs: Mapping[str, Fraction], values: Sequence[Fraction]
) -> Problem:
    nouns = {key: each.told for key, each in rule.inputs.items()}
    worded = word_clauses(rng, rule.steps, nouns)
    clauses = [clause for clause, _ in worded]
    given = listed([rule.inputs[key].spoken() for key in _in_use(rule)])
    telling = Telling(
        rule.name, given, formula=_formula(rng, rule, nouns), extras=_extras(rng, rule)
    )
    work = _worked(rng, rule, inputs, worded)
    answer = str(values[-1]) if rule.steps[-1].operation == "ratio" else number_text(values[-1])
    unit = f" {rule.unit}" if rule.unit and rng.random() < 0.5 else ""
    work.say(
        rng.choice(
            (
                f"So the {rule.name} is {answer}{unit}.",
                f"The {rule.name} is {answer}{unit}.",
                f"That makes {answer}{unit}.",
            )
        )
    )
    question = numeric_asking.ask(rng, rule, inputs)
    return pose_problem(rng, telling, clauses, question, work, answer, rule.domain)


def _in_use(rule: Rule) -> list[str]:
    """The inputs in the order in which the steps use them."""
    used = [o for s in rule.steps for o in (s.a, s.b, s.tested) if isinstance(o, str)]
    return [o for o in dict.fromkeys(used) if o in rule.inputs]


def _extras(rng: Rng, rule: Rule) -> tuple[str, ...]:
    found = ["To verify, I ask whether the size of the result is plausible."]
    found = found if rng.random() < 0.2 else []
    operations = {s.operation for s in rule.steps}
    if operations & {"subtract", "divide"}:
        found.append("I watch which of the two numbers comes first.")
    if any(s.tested and not s.otherwise for s in rule.steps):
        found.append("If the condition does not hold, I leave the value as it is.")
    if operations & {"percent_of", "percent_more", "percent_less"}:
        found.append("The percentage is of the value at that step, not of the first one.")
    if operations & {"round", "round_up", "round_down", "round_tenth"}:
        found.append("I do not round before the step that says so.")
    if operations & {"larger", "smaller"}:
        found.append("Only one of the two compared values goes on.")
    return tuple(found)


def _formula(rng: Rng, rule: Rule, nouns: Mapping[str, str]) -> str:
    """The rule in a formula, in one of several notations; empty if it has none."""
    running = running_text(rule.steps, nouns)
    if running and rng.random() < 0.4:
        return rng.choice(
            (f"The {rule.name} is {running}.", f"In one line, the {rule.name} is {running}.")
        )
    if rng.random() < 0.5:
        text = formula_text(rule.steps, nouns)
        whole = rng.choice(("{n} = {f}.", "The formula is {n} = {f}.", "I use {n} = {f}."))
        return whole.format(n=rule.name, f=text) if text else ""
    letters = _letters(nouns)
    text = formula_text(rule.steps, letters)
    if not text:
        return ""
    told = listed([f"{letters[k]} for the {nouns[k]}" for k in _in_use(rule)])
    return rng.choice(
        (
            f"With {told}, the {rule.name} is {text}.",
            f"I write {told}. Then the {rule.name} is {text}.",
            f"The {rule.name} is {text}, with {told}.",
        )
    )


def _letters(nouns: Mapping[str, str]) -> dict[str, str]:
    """A letter for each input: its first one where that is free."""
    if all(len(noun) == 1 for noun in nouns.values()):
        return dict(nouns)
    nouns = {key: noun.removeprefix("number of ") for key, noun in nouns.items()}
    letters: dict[str, str] = {}
    for key, noun in nouns.items():
        free = [c for c in re.sub(r"[^a-z]", "", noun) + "abcdk" if c not in letters.values()]
        letters[key] = free[0]
    return letters


def _worked(
    rng: Rng, rule: Rule, inputs: Mapping[str, Fraction], worded: Sequence[tuple[Clause, str]]
) -> Working:
    work = Working()
    if rng.random() < _BOUND:
        work.say(f"Here {listed([_counted(rule, k, inputs) for k in _in_use(rule)])}.")
    person = rng.choice(("I ", "I ", ""))
    middle = rng.choice(("Then", "Then", "Next", ""))
    scope = dict(inputs)
    for number, (step, (clause, tested)) in enumerate(zip(rule.steps, worded, strict=True), 1):
        first = "First" if len(rule.steps) > 1 and person else ""
        lead = first if number == 1 else middle
        action = f"{lead} {person}{clause.action}".strip()
        done = step.done(scope)
        if step.tested:
            sign = ">" if step.relation == ABOVE else "<"
            test = f"{number_text(valued(step.tested, scope))}{sign}{number_text(step.limit)}"
            asked = f"Is {tested} {clause.when.removeprefix(f'{tested} is ')}?"
            kept = number_text(valued(step.a, scope))
            if done is not None:
                told = clause.action if holds(step, scope) else clause.otherwise
                work.calculate(asked, test, f", so I {told}:")
                work.calculate("", calculation(done, scope))
            else:
                work.calculate(asked, test, f", so it stays {kept}.")
                work.reached = kept
        else:
            work.calculate(f"{action[:1].upper()}{action[1:]}:", calculation(step, scope))
        scope[f"#{number}"] = Fraction(work.reached)
    return work


def _counted(rule: Rule, key: str, inputs: Mapping[str, Fraction]) -> str:
    noun, value = rule.inputs[key].told, number_text(inputs[key])
    is_ = "are" if rule.inputs[key].plural and not rule.inputs[key].counted else "is"
    return f"{noun} = {value}" if len(noun) == 1 else f"the {noun} {is_} {value}"

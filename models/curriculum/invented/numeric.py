"""Problems about quantities computed by a rule that exists in one problem only.

The quantities are made-up ones or those of daily life.
"""

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
    compute_values,
    format_calculation,
    format_formula,
    format_number,
    get_operand_value,
    is_condition_met,
    phrase_clauses,
    phrase_formula,
)
from models.curriculum.invented.posing import SharedNumbersError, WorkedSteps, pose_problem
from models.curriculum.invented.prose import Clause, ProcedureContext, join_list
from models.curriculum.problem import Problem

Rng = random.Random
_TRIES = 40
"""Number of draws of inputs for a rule before another rule is drawn."""
_BOUND = 0.3
"""Share of worked solutions that begin with the given values."""


def draw_quantity_problem(rng: Rng) -> Problem:
    """Draw a problem about an invented quantity."""
    while True:
        rule = numeric_rules.draw_rule(rng)
        if lookalikes.matches_held_out_family(rule.steps, tuple(rule.inputs)):
            continue
        for _ in range(_TRIES):
            inputs = {key: i.values.draw_value(rng) for key, i in rule.inputs.items()}
            try:
                values = compute_values(rule.steps, inputs)
            except OutOfReachError:
                continue
            if not _has_plain_values(rule, inputs, values):
                continue
            try:
                return _pose_rule(rng, rule, inputs, values)
            except SharedNumbersError:
                continue


def _has_plain_values(
    rule: Rule, inputs: Mapping[str, Fraction], values: Sequence[Fraction]
) -> bool:
    """Return whether inputs and values suit a problem.

    No value is negative unless the rule allows it, inputs are different, and no input equals a
    constant of the rule or its result.
    """
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
"""Maximum distance below zero of a value of a rule with negative values."""


def _pose_rule(
    rng: Rng, rule: Rule, inputs: Mapping[str, Fraction], values: Sequence[Fraction]
) -> Problem:
    nouns = {key: each.procedure_noun for key, each in rule.inputs.items()}
    worded = phrase_clauses(rng, rule.steps, nouns)
    clauses = [clause for clause, _ in worded]
    given = join_list([rule.inputs[key].format_with_article() for key in _list_used_inputs(rule)])
    telling = ProcedureContext(
        rule.name, given, formula=_phrase_formula(rng, rule, nouns), extras=_draw_extras(rng, rule)
    )
    work = _work_steps(rng, rule, inputs, worded)
    answer = str(values[-1]) if rule.steps[-1].operation == "ratio" else format_number(values[-1])
    unit = f" {rule.unit}" if rule.unit and rng.random() < 0.5 else ""
    work.add_sentence(
        rng.choice(
            (
                f"So the {rule.name} is {answer}{unit}.",
                f"The {rule.name} is {answer}{unit}.",
                f"That makes {answer}{unit}.",
            )
        )
    )
    question = numeric_asking.phrase_question(rng, rule, inputs)
    return pose_problem(rng, telling, clauses, question, work, answer, rule.domain)


def _list_used_inputs(rule: Rule) -> list[str]:
    """Return the keys of the inputs in the order in which the steps use them."""
    used = [o for s in rule.steps for o in (s.a, s.b, s.tested) if isinstance(o, str)]
    return [o for o in dict.fromkeys(used) if o in rule.inputs]


def _draw_extras(rng: Rng, rule: Rule) -> tuple[str, ...]:
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


def _phrase_formula(rng: Rng, rule: Rule, nouns: Mapping[str, str]) -> str:
    """Return the rule as a formula in one of several notations; empty if it has none."""
    running = phrase_formula(rule.steps, nouns)
    if running and rng.random() < 0.4:
        return rng.choice(
            (f"The {rule.name} is {running}.", f"In one line, the {rule.name} is {running}.")
        )
    if rng.random() < 0.5:
        text = format_formula(rule.steps, nouns)
        whole = rng.choice(("{n} = {f}.", "The formula is {n} = {f}.", "I use {n} = {f}."))
        return whole.format(n=rule.name, f=text) if text else ""
    letters = _assign_letters(nouns)
    text = format_formula(rule.steps, letters)
    if not text:
        return ""
    stated = join_list([f"{letters[k]} for the {nouns[k]}" for k in _list_used_inputs(rule)])
    return rng.choice(
        (
            f"With {stated}, the {rule.name} is {text}.",
            f"I write {stated}. Then the {rule.name} is {text}.",
            f"The {rule.name} is {text}, with {stated}.",
        )
    )


def _assign_letters(nouns: Mapping[str, str]) -> dict[str, str]:
    """Return a letter for each input: its first free letter."""
    if all(len(noun) == 1 for noun in nouns.values()):
        return dict(nouns)
    nouns = {key: noun.removeprefix("number of ") for key, noun in nouns.items()}
    letters: dict[str, str] = {}
    for key, noun in nouns.items():
        free = [c for c in re.sub(r"[^a-z]", "", noun) + "abcdk" if c not in letters.values()]
        letters[key] = free[0]
    return letters


def _work_steps(
    rng: Rng, rule: Rule, inputs: Mapping[str, Fraction], worded: Sequence[tuple[Clause, str]]
) -> WorkedSteps:
    work = WorkedSteps()
    if rng.random() < _BOUND:
        given = [_phrase_input_value(rule, key, inputs) for key in _list_used_inputs(rule)]
        work.add_sentence(f"Here {join_list(given)}.")
    person = rng.choice(("I ", "I ", ""))
    middle = rng.choice(("Then", "Then", "Next", ""))
    scope = dict(inputs)
    for number, (step, (clause, tested)) in enumerate(zip(rule.steps, worded, strict=True), 1):
        first = "First" if len(rule.steps) > 1 and person else ""
        lead = first if number == 1 else middle
        action = f"{lead} {person}{clause.action}".strip()
        done = step.resolve_condition(scope)
        if step.tested:
            sign = ">" if step.relation == ABOVE else "<"
            value = format_number(get_operand_value(step.tested, scope))
            test = f"{value}{sign}{format_number(step.limit)}"
            asked = f"Is {tested} {clause.when.removeprefix(f'{tested} is ')}?"
            kept = format_number(get_operand_value(step.a, scope))
            if done is not None:
                stated = clause.action if is_condition_met(step, scope) else clause.otherwise
                work.add_calculation(asked, test, f", so I {stated}:")
                work.add_calculation("", format_calculation(done, scope))
            else:
                work.add_calculation(asked, test, f", so it stays {kept}.")
                work.reached = kept
        else:
            work.add_calculation(
                f"{action[:1].upper()}{action[1:]}:", format_calculation(step, scope)
            )
        scope[f"#{number}"] = Fraction(work.reached)
    return work


def _phrase_input_value(rule: Rule, key: str, inputs: Mapping[str, Fraction]) -> str:
    noun, value = rule.inputs[key].procedure_noun, format_number(inputs[key])
    is_ = "are" if rule.inputs[key].plural and not rule.inputs[key].counted else "is"
    return f"{noun} = {value}" if len(noun) == 1 else f"the {noun} {is_} {value}"

"""Draws rules of quantities: from `scenarios.toml`, or made up from `topics.toml`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache

from models.curriculum.invented.coining import coin_quantity, coin_word
from models.curriculum.invented.numeric_inputs import Input, Range, Rule, parse_input
from models.curriculum.invented.numeric_steps import (
    ABOVE,
    BELOW,
    Operand,
    OutOfReachError,
    Step,
    compute_values,
)
from models.curriculum.invented.tables import read_table

Rng = random.Random
_DAILY = 0.5
"""Share of rules from `scenarios.toml`."""
_LETTERS = ("abcd", "xyzw", "pqrs", "mnkt", "uvst")
_JOINING = ("add", "add", "subtract", "multiply", "larger", "smaller", "gap", "middle", "divide")
_WITH_INPUT = ("add", "add", "subtract", "subtract", "multiply", "multiply", "larger", "smaller")
_WITH_CONSTANT = ("add", "subtract", "multiply", "divide", "percent_of", "percent_more")
_ALONE = ("double", "halve", "square", "triple", "cube", "round_down", "round_up", "round")
_OPENING = ("add", "subtract", "multiply", "gap", "middle", "divide", "larger")
_PERCENT = (5, 10, 20, 25, 30, 40, 50, 75)


def draw_rule(rng: Rng) -> Rule:
    """Draw a rule that uses each of its inputs."""
    while True:
        rule = _draw_counted_inputs(
            rng, _draw_daily_rule(rng) if rng.random() < _DAILY else _draw_made_up_rule(rng)
        )
        used = {o for s in rule.steps for o in (s.a, s.b, s.tested) if isinstance(o, str)}
        if set(rule.inputs) <= used:
            return rule


def _draw_counted_inputs(rng: Rng, rule: Rule) -> Rule:
    """Return the rule, in half of the cases with `number of` before plural inputs."""
    if rng.random() < 0.5:
        return rule
    inputs = {key: replace(each, counted=each.plural) for key, each in rule.inputs.items()}
    return replace(rule, inputs=inputs)


@cache
def _read_scenarios() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = read_table("scenarios")["scenario"]
    return rows


def _draw_daily_rule(rng: Rng) -> Rule:
    row = rng.choice(_read_scenarios())
    inputs = dict(parse_input(text) for text in _get_texts(row, "inputs"))
    steps = [_parse_step(rng, text, n) for n, text in enumerate(_get_texts(row, "steps"), 1)]
    tails = _get_texts(row, "tails")
    if tails and rng.random() < 0.5:
        steps += _draw_tail_steps(rng, rng.choice(tails), inputs, steps)
    return Rule(
        str(row["name"]),
        inputs,
        _label_results(rng, steps),
        str(row["domain"]),
        str(row.get("unit", "")),
        tuple(_get_texts(row, "ask")),
    )


def _get_texts(row: Mapping[str, object], key: str) -> list[str]:
    value = row.get(key, [])
    return [str(v) for v in value] if isinstance(value, list) else []


def _parse_step(rng: Rng, text: str, number: int) -> Step:
    """Parse a step `operation a b [as label] [if operand above|below range]`."""
    head, _, condition = text.partition(" if ")
    head, _, label = head.partition(" as ")
    operation, *operands = head.split()
    a, b = [_parse_operand(rng, o, number) for o in [*operands, "0"][:2]]
    if not condition:
        return Step(operation, a, b, label)
    tested, relation, limit = condition.split()
    return Step(
        operation,
        a,
        b,
        label,
        _parse_operand(rng, tested, number),
        relation,
        Range(limit).draw_value(rng),
    )


def _parse_operand(rng: Rng, text: str, number: int) -> Operand:
    if text == "it":
        return f"#{number - 1}"
    return Range(text).draw_value(rng) if text[0].isdigit() else text


def _draw_tail_steps(
    rng: Rng, kind: str, inputs: Mapping[str, Input], steps: Sequence[Step]
) -> list[Step]:
    """Draw a last step of this kind; its limit is near a typical value. Empty without one."""
    last = f"#{len(steps)}"
    near = _find_typical_value(rng, inputs, steps)
    if near is None:
        return []
    match kind:
        case "cap":
            return [Step("smaller", last, near)]
        case "least":
            return [Step("larger", last, near)]
        case "add" | "subtract":
            return [Step(kind, last, Fraction(rng.randint(2, 30)))]
        case "divide":
            return [Step(kind, last, Fraction(rng.choice((2, 4, 5, 10))))]
        case "percent_more" | "percent_less":
            return [Step(kind, last, Fraction(rng.choice(_PERCENT[:5])))]
        case "above" | "larger_than":
            relation = ABOVE if kind == "above" else BELOW
            change = rng.choice(("subtract", "add", "double", "percent_less"))
            by = rng.choice(_PERCENT[:4]) if "percent" in change else rng.randint(2, 25)
            tested, limit = (last, near) if rng.random() < 0.6 else _draw_input_limit(rng, inputs)
            step = Step(change, last, Fraction(by), "", tested, relation, limit)
            if rng.random() < 0.5:
                return [step]
            other = rng.choice([c for c in ("subtract", "add", "triple", "halve") if c != change])
            return [replace(step, otherwise=other, c=Fraction(rng.randint(2, 25)))]
        case "above_weight":
            limit = Fraction(rng.randint(2, 4))
            return [Step("subtract", last, Fraction(10), "", "weight", ABOVE, limit)]
        case _:
            return [Step(kind, last)]


def _draw_input_limit(rng: Rng, inputs: Mapping[str, Input]) -> tuple[str, Fraction]:
    """Draw the key of an input, and a whole number above or below which the input may be."""
    key = rng.choice(list(inputs))
    values = sorted(inputs[key].values.draw_value(rng) for _ in range(3))
    return key, Fraction(max(1, round(values[1])))


def _find_typical_value(
    rng: Rng, inputs: Mapping[str, Input], steps: Sequence[Step]
) -> Fraction | None:
    """Return a round number near the steps' result for random inputs; None if none is found."""
    for _ in range(30):
        try:
            value = compute_values(steps, {k: i.values.draw_value(rng) for k, i in inputs.items()})[
                -1
            ]
        except OutOfReachError:
            continue
        by = 1 if value < 12 else 5 if value < 120 else 50 if value < 1500 else 500
        near = round(value / by) * by
        if near > 0:
            return Fraction(near)
    return None


def _draw_made_up_rule(rng: Rng) -> Rule:
    topic = rng.choice(read_table("topics")["topic"])
    count = rng.choices((1, 2, 3, 4), (15, 45, 28, 12))[0]
    about: tuple[str, ...] = ()
    if rng.random() < 0.2:
        letters = rng.choice(_LETTERS)[:count]
        inputs = {c: Input(c, (), False, "", Range(_draw_free_range(rng))) for c in letters}
    else:
        inputs = dict(parse_input(text) for text in rng.sample(topic["inputs"], count))
        about = tuple(topic["about"])
        if rng.random() < 0.15:
            key = rng.choice(list(inputs))
            inputs[key] = Input(coin_word(rng), (), False, "", Range(_draw_free_range(rng)))
    return Rule(
        _draw_name(rng, topic["names"]),
        inputs,
        _label_results(rng, _draw_steps(rng, list(inputs), inputs)),
        topic["domain"],
        about=about,
        negative=rng.random() < 0.25,
    )


def _draw_free_range(rng: Rng) -> str:
    return rng.choice(
        (
            "1..12",
            "2..60",
            "1..20/1",
            "0.5..9/2",
            "10..900*10",
            "2..999",
            "1..30",
            "1000..99999",
            "0.01..0.99/2",
        )
    )


def _draw_name(rng: Rng, topical: Sequence[str]) -> str:
    words = read_table("topics")
    kind = rng.random()
    if kind < 0.45:
        return coin_quantity(rng)
    if kind < 0.6:
        return f"{rng.choice(topical)} {rng.choice(words['nouns'])}"
    if kind < 0.8:
        return f"{rng.choice(words['adjectives'])} {rng.choice(words['nouns'])}"
    if kind < 0.9:
        return f"{coin_word(rng).capitalize()} {rng.choice(words['nouns'])}"
    return f"{rng.choice(words['adjectives'])} {coin_quantity(rng)}"


def _draw_steps(rng: Rng, keys: list[str], inputs: Mapping[str, Input]) -> list[Step]:
    """Draw one to five steps that use all inputs, with one running result or two to be joined."""
    left = rng.sample(keys, len(keys))
    steps = _draw_opening_step(rng, left, 1)
    if len(left) >= 1 and rng.random() < 0.5:
        first = len(steps)
        steps += _draw_opening_step(rng, left, first + 1)
        steps.append(Step(rng.choice(_JOINING), f"#{first}", f"#{len(steps)}"))
    while left:
        steps.append(Step(rng.choice(_WITH_INPUT), f"#{len(steps)}", left.pop()))
    while len(steps) < 5 and (len(steps) < 2 or rng.random() < 0.35) and rng.random() < 0.93:
        steps += _draw_further_steps(rng, inputs, steps)
    if len(steps) > 1 and rng.random() < 0.06 and len(steps) < 5:
        divisor = Fraction(rng.choice((3, 4, 6, 7, 8, 9, 12, 15)))
        steps.append(Step("ratio", f"#{len(steps)}", divisor))
    return steps


def _draw_opening_step(rng: Rng, left: list[str], number: int) -> list[Step]:
    """Draw a step that takes one or two inputs out of `left`; return it in a list."""
    if len(left) >= 2 and rng.random() < 0.45:
        return [Step(rng.choice(_OPENING), left.pop(), left.pop())]
    if rng.random() < 0.35:
        return [Step(rng.choice(_ALONE[:5]), left.pop())]
    operation = rng.choice(("add", "subtract", "multiply", "multiply", "divide", "percent_of"))
    return [Step(operation, left.pop(), _draw_constant(rng, operation))]


def _draw_constant(rng: Rng, operation: str) -> Fraction:
    if operation.startswith("percent"):
        return Fraction(rng.choice(_PERCENT))
    if operation == "multiply":
        decimal = rng.random() < 0.25
        return Fraction(rng.randint(2, 45), 10) if decimal else Fraction(rng.randint(2, 15))
    if operation == "divide":
        return Fraction(rng.choice((2, 3, 4, 5, 6, 8, 10, 20, 100)))
    if operation == "remainder":
        return Fraction(rng.randint(3, 12))
    return Fraction(rng.choice((rng.randint(1, 12), rng.randint(5, 60), rng.randint(1, 20) * 10)))


def _draw_further_steps(rng: Rng, inputs: Mapping[str, Input], steps: Sequence[Step]) -> list[Step]:
    last = f"#{len(steps)}"
    kind = rng.random()
    if kind < 0.45:
        operation = rng.choice(_WITH_CONSTANT)
        return [Step(operation, last, _draw_constant(rng, operation))]
    if kind < 0.6:
        return [Step(rng.choice(_ALONE), last)]
    if kind < 0.68:
        return [Step("remainder", last, _draw_constant(rng, "remainder"))]
    if kind < 0.74:
        return [Step("subtract", Fraction(rng.choice((10, 20, 50, 100, 200, 500, 1000))), last)]
    tail = rng.choice(("cap", "least", "above", "larger_than", "above", "round_tenth"))
    return _draw_tail_steps(rng, tail, inputs, steps)


def _label_results(rng: Rng, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps, with labels on results that are not used at once, and on some others."""
    used: dict[str, int] = {}
    for number, step in enumerate(steps, 1):
        for operand in (step.a, step.b, step.tested):
            if isinstance(operand, str) and operand.startswith("#"):
                used[operand] = max(used.get(operand, 0), number)
    labels = rng.sample(read_table("topics")["labels"], len(steps))
    done: list[Step] = []
    for number, step in enumerate(steps, 1):
        late = used.get(f"#{number}", 0) > number + 1
        follower = steps[number] if number < len(steps) else None
        both = follower is not None and isinstance(follower.b, str) and follower.b == f"#{number}"
        wanted = late or (number < len(steps) and (both or rng.random() < 0.08))
        label = (step.label or labels[number - 1]) if wanted or step.label else ""
        done.append(replace(step, label=label))
    return tuple(done)

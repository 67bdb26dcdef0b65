"""Steps of an invented numeric procedure: exact values, wordings, and calculations."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from models.curriculum.families import format_answer_value
from models.curriculum.invented.prose import Clause
from models.curriculum.invented.tables import read_table

Rng = random.Random
Operand = str | Fraction
"""Key of an input, `#2` for the result of the second step, or a constant."""
OPERATIONS = read_table("operations")
BOUND = 10_000_000
"""Maximum absolute value."""
PLACES = 4
"""Maximum number of decimal places of a value."""
DIGITS = 9
"""Maximum number of digits of a value; the calculator shows 10."""
ABOVE, BELOW = "above", "below"
_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 10: "ten", 100: "a hundred"}
_ONE_SIDED = ("it", "it", "the result", "that", "this value", "what I have")


class OutOfReachError(Exception):
    """The inputs lead to a value that is too long, too large, or undefined."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on `a` and `b`, perhaps under a condition.

    If the condition does not hold, `otherwise` is applied to `a` and `c`, or `a` stays.
    """

    operation: str
    """A key of `OPERATIONS`."""
    a: Operand
    b: Operand = Fraction(0)
    label: str = ""
    """Name of the result in later steps, such as `subtotal`."""
    tested: Operand = ""
    """Operand that the condition tests; empty without a condition."""
    relation: str = ""
    """`above` or `below`."""
    limit: Fraction = Fraction(0)
    otherwise: str = ""
    """Operation on `a` and `c` if the condition does not hold; empty for none."""
    c: Fraction = Fraction(0)

    def resolve_condition(self, scope: Mapping[str, Fraction]) -> Step | None:
        """Return the unconditional step to apply to these values; None if `a` stays."""
        if is_condition_met(self, scope):
            return Step(self.operation, self.a, self.b)
        return Step(self.otherwise, self.a, self.c) if self.otherwise else None


def _compute_quotient(a: Fraction, b: Fraction) -> Fraction:
    if b == 0:
        raise OutOfReachError
    return a / b


def _compute_remainder(a: Fraction, b: Fraction) -> Fraction:
    if b <= 0 or a < 0:
        raise OutOfReachError
    return a - floor(a / b) * b


def _round_unambiguously(a: Fraction, scale: int) -> Fraction:
    """Round to the nearest multiple of 1 / scale.

    Raises:
        OutOfReachError: The value is halfway, where people round differently.
    """
    if (a * scale) % 1 == Fraction(1, 2):
        raise OutOfReachError
    return Fraction(floor(a * scale + Fraction(1, 2)), scale)


VALUES: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": _compute_quotient,
    "ratio": _compute_quotient,
    "double": lambda a, b: a + a,
    "triple": lambda a, b: a + a + a,
    "halve": lambda a, b: a / 2,
    "square": lambda a, b: a * a,
    "cube": lambda a, b: a * a * a,
    "percent_of": lambda a, b: a * b / 100,
    "percent_more": lambda a, b: a * (100 + b) / 100,
    "percent_less": lambda a, b: a * (100 - b) / 100,
    "remainder": _compute_remainder,
    "larger": lambda a, b: a if a > b else b,
    "smaller": lambda a, b: a if a < b else b,
    "gap": lambda a, b: a - b if a > b else b - a,
    "middle": lambda a, b: (a + b) / 2,
    "round": lambda a, b: _round_unambiguously(a, 1),
    "round_tenth": lambda a, b: _round_unambiguously(a, 10),
    "round_up": lambda a, b: Fraction(ceil(a)),
    "round_down": lambda a, b: Fraction(floor(a)),
}


def compute_values(steps: Sequence[Step], inputs: Mapping[str, Fraction]) -> list[Fraction]:
    """Return the value after each step.

    Raises:
        OutOfReachError: A value is too long, too large, or undefined.
    """
    scope = dict(inputs)
    values: list[Fraction] = []
    for number, step in enumerate(steps, 1):
        value, done = get_operand_value(step.a, scope), step.resolve_condition(scope)
        if done is not None:
            value = VALUES[done.operation](value, get_operand_value(done.b, scope))
        long = step.operation != "ratio" and (value * 10**PLACES).denominator != 1
        digits = sum(c.isdigit() for c in format_number(value))
        if long or digits > DIGITS or abs(value) > BOUND or value.denominator > 10**PLACES:
            raise OutOfReachError
        scope[f"#{number}"] = value
        values.append(value)
    return values


def is_condition_met(step: Step, scope: Mapping[str, Fraction]) -> bool:
    """Return whether the step's condition holds; True without a condition."""
    if not step.tested:
        return True
    tested = get_operand_value(step.tested, scope)
    return tested > step.limit if step.relation == ABOVE else tested < step.limit


def get_operand_value(operand: Operand, scope: Mapping[str, Fraction]) -> Fraction:
    """Return the number that the operand refers to."""
    return scope[operand] if isinstance(operand, str) else operand


def format_number(value: Fraction) -> str:
    """Format a value as a whole number or a decimal, or as a fraction if that does not end."""
    return format_answer_value(int(value) if value.denominator == 1 else value)


def phrase_clauses(
    rng: Rng, steps: Sequence[Step], nouns: Mapping[str, str]
) -> list[tuple[Clause, str]]:
    """Return each step as a clause, with the wording of the operand that its condition tests."""
    clauses: list[tuple[Clause, str]] = []
    for number, step in enumerate(steps, 1):
        same = rng.choice(_ONE_SIDED)

        def spoken(o: Operand, same: str = same, number: int = number) -> str:
            return _phrase_operand(rng, o, number, steps, nouns, same)

        a, b = spoken(step.a), spoken(step.b)
        phrase = rng.choice(OPERATIONS[step.operation]["phrases"])
        if isinstance(step.b, Fraction) and phrase.startswith("add {a} and"):
            phrase = "add {b} to {a}"
        words = _spell_small_constant(rng, phrase, step).format(a=a, b=b)
        if step.label:
            words += rng.choice(
                (" and call this the {}", " to get the {}", ", which gives the {}")
            ).format(step.label)
        tested = ""
        if step.tested:
            tested = spoken(step.tested)
            words = words.replace(a, "it", 1) if a == tested and a.startswith("the ") else words
        limit, other = format_number(step.limit), ""
        if step.otherwise:
            other = rng.choice(OPERATIONS[step.otherwise]["phrases"][:3])
            other = other.replace("add {a} and {b}", "add {b} to {a}")
            other = other.format(a=a, b=format_number(step.c))
        how = rng.choice(
            ("above", "more than") if step.relation == ABOVE else ("below", "less than")
        )
        clauses.append(
            (Clause(words, f"{tested} is {how} {limit}" if tested else "", other), tested)
        )
    return clauses


def _spell_small_constant(rng: Rng, phrase: str, step: Step) -> str:
    """Replace a small constant of the phrase by its word in a share of the cases."""
    small = isinstance(step.b, Fraction) and step.b.denominator == 1 and int(step.b) in _WORDS
    if small and "{b}%" not in phrase and "percent" not in phrase and rng.random() < 0.2:
        return phrase.replace("{b}", _WORDS[int(Fraction(step.b))])
    return phrase


def _phrase_operand(
    rng: Rng, operand: Operand, at: int, steps: Sequence[Step], nouns: Mapping[str, str], same: str
) -> str:
    if isinstance(operand, Fraction):
        return format_number(operand)
    if not operand.startswith("#"):
        return _add_article(nouns[operand])
    number = int(operand[1:])
    label = steps[number - 1].label
    if number == at - 1 and not (label and rng.random() < 0.6):
        return same
    return f"the {label}"


def format_calculation(step: Step, scope: Mapping[str, Fraction]) -> str:
    """Format the step with its numbers as an expression for the calculator."""
    calc: str = OPERATIONS[step.operation]["calc"]

    def fill(match: re.Match[str]) -> str:
        text = format_number(get_operand_value(step.a if match[0] == "{a}" else step.b, scope))
        before, after = calc[: match.start()], calc[match.end() :]
        beside = before[-1:] in ("-", "+", "*", "/", "%") or after[:1] in ("*", "/", "%")
        return f"({text})" if beside and ("-" in text or "/" in text) else text

    return re.sub(r"\{[ab]\}", fill, calc)


def format_formula(steps: Sequence[Step], names: Mapping[str, str]) -> str:
    """Format all steps as one formula; empty if a step has a condition or no infix form."""
    texts: dict[str, tuple[str, int]] = {key: (name, 4) for key, name in names.items()}
    for number, step in enumerate(steps, 1):
        row = OPERATIONS[step.operation]
        if step.tested or not row["infix"]:
            return ""
        binds: int = row["binds"]
        a, b = (texts[o] if isinstance(o, str) else (format_number(o), 4) for o in (step.a, step.b))
        least = {1: 1, 2: 2, 3: 4, 0: 3}[binds]
        called = "(" in row["infix"] or "|" in row["infix"]
        left = a[0] if called or a[1] >= least else f"({a[0]})"
        right = b[0] if called or b[1] > max(least, 0) else f"({b[0]})"
        if step.operation in ("add", "multiply") and b[1] >= least:
            right = b[0]
        texts[f"#{number}"] = (row["infix"].format(a=left, b=right), binds)
    return texts[f"#{len(steps)}"][0]


def phrase_formula(steps: Sequence[Step], nouns: Mapping[str, str]) -> str:
    """Return the formula in words, `the width, plus 3, then halved`.

    Empty if a step does not continue the result before it.
    """
    texts: list[str] = []
    for number, step in enumerate(steps, 1):
        first = number == 1 and isinstance(step.a, str)
        if step.tested or not (first or step.a == f"#{number - 1}"):
            return ""
        if isinstance(step.b, str) and step.b.startswith("#"):
            return ""
        b = format_number(step.b) if isinstance(step.b, Fraction) else _add_article(nouns[step.b])
        texts.append(OPERATIONS[step.operation]["then"].format(b=b))
    return f"{_add_article(nouns[str(steps[0].a)])} {', then '.join(texts)}"


def _add_article(noun: str) -> str:
    """Return the noun with its article; a single letter has none."""
    return noun if len(noun) == 1 else f"the {noun}"

"""A procedure: a few steps over named inputs, which can be phrased and worked.

The steps change one running value; an opening step may also set a second value, which the next
joining step combines with the first (`a*d` and `b*c`, then their sum).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from models.nano.curriculum import arithmetic

Inputs = Mapping[str, int]
BOUND = 999
"""Maximum absolute value of a worked step."""


class OutOfReachError(Exception):
    """The inputs lead to a value that is too large, or to a division with a remainder."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on the running value, with its wording."""

    kind: str
    """A key of `WORDS`."""
    words: str
    """Wording in the subroutine and in the worked solution: `multiply by the mass`."""
    first: str | int = 0
    """Input or constant that the step takes; 0 without one."""
    second: str | int = 0
    """Second input or constant of a step that takes two."""


WORDS: dict[str, tuple[str, ...]] = {
    "take": ("start with {r}", "take {r}", "begin with {r}", "start from {r}", "write down {r}"),
    "sum": (
        "add {r} and {s}",
        "take the sum of {r} and {s}",
        "add {r} to {s}",
        "compute {r} plus {s}",
    ),
    "difference": (
        "subtract {s} from {r}",
        "take {r} minus {s}",
        "take {s} away from {r}",
        "compute {r} minus {s}",
    ),
    "product": (
        "multiply {r} by {s}",
        "multiply {r} and {s}",
        "take {r} times {s}",
        "multiply {r} with {s}",
    ),
    "quotient": ("divide {r} by {s}", "take {r} divided by {s}", "compute {r} over {s}"),
    "square": (
        "square {r}",
        "multiply {r} by itself",
        "take {r} times itself",
        "take the square of {r}",
    ),
    "gap": ("take the distance between {r} and {s}", "take the absolute difference of {r} and {s}"),
    "add": ("add {r}", "plus {r}", "increase it by {r}", "add {r} to it", "raise it by {r}"),
    "subtract": (
        "subtract {r}",
        "minus {r}",
        "take away {r}",
        "decrease it by {r}",
        "subtract {r} from it",
    ),
    "from": ("subtract it from {r}", "take it away from {r}"),
    "multiply": (
        "multiply by {r}",
        "times {r}",
        "scale it by {r}",
        "multiply it by {r}",
        "multiply it with {r}",
    ),
    "divide": ("divide by {r}", "divide it by {r}", "split it by {r}"),
    "remainder": (
        "take the remainder by {r}",
        "reduce it mod {r}",
        "keep the remainder after dividing by {r}",
        "take it modulo {r}",
        "keep what is left after dividing it by {r}",
    ),
    "double": ("double it", "multiply it by two", "take it twice"),
    "halve": ("halve it", "divide it by two", "take half of it"),
    "itself": ("multiply it by itself", "square it", "take its square"),
    "larger": ("take the larger of it and {r}", "keep the maximum of it and {r}"),
    "smaller": ("take the smaller of it and {r}", "keep the minimum of it and {r}"),
    "last": ("take the last digit", "keep only the units digit", "keep its last digit"),
    "digits": ("sum its digits", "add up the digits", "take the digit sum"),
    "join-add": ("add the two results", "add both results", "sum the two results", "add the two"),
    "join-subtract": (
        "subtract the second result from the first",
        "take the first result minus the second",
        "take the second result away from the first",
    ),
    "join-multiply": ("multiply the two results", "multiply both results", "multiply the two"),
    "join-divide": (
        "divide the first result by the second",
        "take the first result over the second",
    ),
}
NUMERALS = {
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
    100: "a hundred",
}
OPENING = ("take", "sum", "difference", "product", "quotient", "square", "gap")
JOINING = ("join-add", "join-subtract", "join-multiply", "join-divide")


def build_step(kind: str, first: str | int = 0, second: str | int = 0) -> Step:
    """Return a step in its first wording in `WORDS`."""
    return Step(
        kind, WORDS[kind][0].format(r=add_article(first), s=add_article(second)), first, second
    )


def draw_worded_step(
    rng: random.Random, kind: str, first: str | int = 0, second: str | int = 0
) -> Step:
    """Return a step in a random wording of `WORDS`; numbers and `it` vary as well."""
    spoken = [
        NUMERALS.get(o, o) if isinstance(o, int) and rng.random() < 0.15 else add_article(o)
        for o in (first, second)
    ]
    words = rng.choice(WORDS[kind]).format(r=spoken[0], s=spoken[1])
    if rng.random() < 0.3:
        words = re.sub(
            r"\bit\b", rng.choice(("the result", "that", "the value", "what I have")), words
        )
    return Step(kind, words, first, second)


def add_article(operand: str | int) -> str:
    """Return the operand as text; a word gets an article, a letter or a number none."""
    text = str(operand)
    return text if isinstance(operand, int) or len(text) == 1 else f"the {text}"


def work_steps(steps: tuple[Step, ...], inputs: Inputs) -> tuple[str, int]:
    """Work the steps on these inputs; return a clause for each step, joined, and the result.

    Raises:
        OutOfReachError: A value exceeds `BOUND`, or a division has a remainder.
    """
    results: list[int] = []
    clauses: list[str] = []
    for s in steps:
        shown, value = _work_step(s, inputs, results)
        if abs(value) > BOUND:
            raise OutOfReachError
        if s.kind in JOINING:
            results = [value]
        elif s.kind in OPENING:
            results.append(value)
        else:
            results[-1] = value
        clauses.append(f"{s.words}: {shown}")
    return "; ".join(clauses), results[-1]


def _work_step(s: Step, inputs: Inputs, results: list[int]) -> tuple[str, int]:
    if s.kind in JOINING:
        return _work_binary(s.kind.removeprefix("join-"), results[0], results[1])
    operands = [inputs[o] if isinstance(o, str) else o for o in (s.first, s.second)]
    if s.kind in OPENING:
        return _work_opening(s.kind, *operands)
    return _work_on_value(s.kind, results[-1], operands[0])


def _work_opening(kind: str, r: int, s: int) -> tuple[str, int]:
    match kind:
        case "take":
            return str(r), r
        case "sum":
            return _work_binary("add", r, s)
        case "difference":
            return _work_binary("subtract", r, s)
        case "product":
            return _work_binary("multiply", r, s)
        case "quotient":
            return _work_binary("divide", r, s)
        case "square":
            return _work_binary("multiply", r, r)
        case _:
            high, low = max(r, s), min(r, s)
            return f"{high}-{low}={high - low}", high - low


def _work_on_value(kind: str, x: int, r: int) -> tuple[str, int]:
    match kind:
        case "from":
            return _work_binary("subtract", r, x)
        case "double":
            return _work_binary("multiply", x, 2)
        case "halve":
            return _work_binary("divide", x, 2)
        case "itself":
            return _work_binary("multiply", x, x)
        case "larger":
            return f"max({x},{r})={max(x, r)}", max(x, r)
        case "smaller":
            return f"min({x},{r})={min(x, r)}", min(x, r)
        case "last":
            return f"{abs(x)} ends in {abs(x) % 10}", abs(x) % 10
        case "digits":
            digits = [int(d) for d in str(abs(x))]
            spelled = "+".join(map(str, digits))
            return f"{spelled}={sum(digits)}" if len(digits) > 1 else str(digits[0]), sum(digits)
        case _:
            return _work_binary(kind, x, r)


def _work_binary(kind: str, x: int, y: int) -> tuple[str, int]:
    match kind:
        case "add":
            return f"{x}+{y}={x + y}", x + y
        case "subtract":
            return f"{x}-{y}={x - y}", x - y
        case "multiply":
            return arithmetic.spell_product(x, y), x * y
        case "divide":
            if y == 0 or x % y:
                raise OutOfReachError
            return f"{x}/{y}={x // y}", x // y
        case "remainder":
            if x < 0 or y <= 0 or x // y > 60:
                raise OutOfReachError
            return arithmetic.spell_remainder(x, y), x % y
        case _:
            raise ValueError(kind)

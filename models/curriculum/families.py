"""The families of `families.toml`, and the answer of a family for given inputs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cache, reduce
from itertools import groupby
from math import gcd, isqrt, lcm
from pathlib import Path
from types import CodeType
from typing import Literal

FILE = Path(__file__).with_name("families.toml")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = 24 * 60
"""Minutes of a day."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of problem: what is given and asked, and the procedure that solves it."""

    name: str
    domain: str
    split: Literal["known", "held-out"]
    asks: str
    inputs: Mapping[str, str]
    """What each input may be, in words."""
    steps: tuple[str, ...]
    answer: str
    """A Python expression over the inputs."""
    subproblem: str

    def compute_answer(self, inputs: Mapping[str, object]) -> str:
        """The answer for these inputs, as text; numbers are whole numbers or fractions.

        The expression comes from this repository, so it is evaluated as Python.

        Raises:
            TypeError: The answer is of a type that has no exact text, such as a float.
        """
        return format_answer_value(eval(_compile_expression(self.answer), {**NAMES, **inputs}))


@cache
def read_families() -> Mapping[str, Family]:
    """All families by name, in the order of the file."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["family"]
    found = [Family(**{**row, "steps": tuple(row["steps"])}) for row in rows]
    families = {family.name: family for family in found}
    if len(families) < len(found):
        raise ValueError(f"{FILE.name} names a family twice.")
    return families


def format_answer_value(value: object) -> str:
    """An answer as it is written: yes or no, a number as decimal if it is one, a list, a text.

    Raises:
        TypeError: The value is of another type.
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return str(value)
        case Fraction():
            return _format_decimal(value)
        case list():
            return f"[{', '.join(format_answer_value(item) for item in value)}]"
        case _:
            raise TypeError(f"An answer cannot be a {type(value).__name__}: {value!r}")


def format_fraction(value: Fraction) -> str:
    """`3/4`, in lowest terms; a whole number without a denominator."""
    return str(value)


def format_clock_time(minutes: int) -> str:
    """`07:05`: the time of day so many minutes after midnight, on whatever day."""
    return f"{minutes % DAY // 60:02}:{minutes % 60:02}"


def parse_clock_minutes(time: str) -> int:
    """Minutes from midnight to a time such as `07:05`."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def format_month_day(day: date) -> str:
    """`March 5`."""
    return f"{day:%B} {day.day}"


def _format_decimal(value: Fraction) -> str:
    """The exact decimal, or the fraction where the decimal would not end."""
    for places in range(8):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = f"{abs(scaled.numerator):0{places + 1}}"
            whole = digits[: len(digits) - places]
            return f"{'-' if value < 0 else ''}{whole}{'.' if places else ''}{digits[len(whole) :]}"
    return str(value)


@cache
def _compile_expression(expression: str) -> CodeType:
    return compile(expression, FILE.name, "eval")


NAMES: Mapping[str, object] = {
    "Fraction": Fraction,
    "WEEKDAYS": WEEKDAYS,
    "as_fraction": format_fraction,
    "clock": format_clock_time,
    "date": date,
    "gcd": gcd,
    "groupby": groupby,
    "isqrt": isqrt,
    "lcm": lcm,
    "month_day": format_month_day,
    "reduce": reduce,
    "timedelta": timedelta,
    "to_minutes": parse_clock_minutes,
}
"""What an expression may use next to its inputs and Python's own functions."""

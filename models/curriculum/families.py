"""The families of `families.toml`, and the computation of a family's answer for given inputs."""

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
"""Minutes in a day."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of problem: its inputs, the answer as an expression, and the procedure in words."""

    name: str
    domain: str
    split: Literal["known", "held-out"]
    asks: str
    inputs: Mapping[str, str]
    """Description of the allowed values of each input, by the input's name."""
    steps: tuple[str, ...]
    answer: str
    """The answer as a Python expression over the inputs."""
    subproblem: str

    def compute_answer(self, inputs: Mapping[str, object]) -> str:
        """Return the answer for these inputs as text; numbers are integers or fractions.

        The expression comes from this repository, so it is evaluated as Python.

        Raises:
            TypeError: The answer is of a type that has no exact text, such as a float.
        """
        return format_answer_value(eval(_compile_expression(self.answer), {**NAMES, **inputs}))


@cache
def read_families() -> Mapping[str, Family]:
    """Return all families by name, in the order of the file.

    Raises:
        ValueError: A name occurs twice.
    """
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["family"]
    found = [Family(**{**row, "steps": tuple(row["steps"])}) for row in rows]
    families = {family.name: family for family in found}
    if len(families) < len(found):
        raise ValueError(f"{FILE.name} names a family twice.")
    return families


def format_answer_value(value: object) -> str:
    """Format an answer: yes or no, an exact number, a list or a text.

    A fraction becomes a decimal if that ends.

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
    """Format `3/4`, in lowest terms; a whole number has no denominator."""
    return str(value)


def format_clock_time(minutes: int) -> str:
    """Format the time of day that many minutes after midnight, modulo a day: `07:05`."""
    return f"{minutes % DAY // 60:02}:{minutes % 60:02}"


def parse_clock_minutes(time: str) -> int:
    """Return the minutes from midnight to a time such as `07:05`."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def format_month_day(day: date) -> str:
    """Format a date as `March 5`."""
    return f"{day:%B} {day.day}"


def _format_decimal(value: Fraction) -> str:
    """Format the exact decimal, or the fraction if the decimal does not end."""
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
"""Names that an expression may use besides its inputs and Python's built-in functions."""

"""What a form's `draw` may use: functions that draw numbers, words, dates and lists."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from math import ceil, floor
from pathlib import Path
from typing import Any

from models.curriculum.families import NAMES, format_clock_time

FILE = Path(__file__).with_name("vocabulary.toml")
TRIES = 3_000
"""Draws after which a condition counts as impossible."""


class RandomDraws:
    """The functions, on one source of chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high; as often small as large."""
        if self._rng.random() < 0.4 or high - low < 20:
            return self._rng.randint(low, high)
        size = 10 ** self._rng.randint(1, len(str(max(abs(low), abs(high))))) - 1
        least, most = max(low, -size), min(high, size)
        return self._rng.randint(least, most) if least <= most else self._rng.randint(low, high)

    def decimal(self, low: float, high: float, places: int) -> Fraction:
        """A decimal from low to high with one to `places` places."""
        scale = 10 ** self._rng.randint(1, places)
        least, most = ceil(Fraction(str(low)) * scale), floor(Fraction(str(high)) * scale)
        return Fraction(self._rng.randint(least, most), scale)

    def number(self, low: float, high: float, places: int = 1) -> Fraction | int:
        """A whole number mostly, else a decimal."""
        if self._rng.random() < 0.65 and floor(high) >= ceil(low):
            return self.whole(ceil(low), floor(high))
        value = self.decimal(low, high, places)
        return int(value) if value.denominator == 1 else value

    def wholes(self, least: int, most: int, low: int, high: int) -> list[int]:
        """A list of `least` to `most` whole numbers."""
        count = self._rng.randint(least, most)
        return [self._rng.randint(low, high) for _ in range(count)]

    def choice(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return self._rng.choice(options)

    def sample(self, options: Sequence[Any], least: int, most: int) -> list[Any]:
        """So many different ones of the options."""
        return self._rng.sample(options, self._rng.randint(least, most))

    def shuffled(self, items: Sequence[Any]) -> list[Any]:
        """The items in any order."""
        return self._rng.sample(items, len(items))

    def chance(self, share: float) -> bool:
        """True in this share of the draws."""
        return self._rng.random() < share

    def word(self, least: int = 3, most: int = 9) -> str:
        """A common English word of so many letters."""
        return self._rng.choice([w for w in read_vocabulary("words") if least <= len(w) <= most])

    def words(self, least: int, most: int) -> list[str]:
        """A list of different common words."""
        return self.sample(read_vocabulary("words"), least, most)

    def names(self, least: int, most: int) -> list[str]:
        """A list of different first names."""
        return self.sample(read_vocabulary("names"), least, most)

    def time(self) -> str:
        """A time of day `HH:MM`, on five minutes mostly."""
        minutes = self._rng.randrange(24 * 60)
        return format_clock_time(minutes if self._rng.random() < 0.3 else minutes // 5 * 5)

    def day(self) -> str:
        """A date `YYYY-MM-DD` of this century."""
        return str(date(2001, 1, 1) + timedelta(self._rng.randrange(36_000)))


def draw_values(
    rng: random.Random, draw: Sequence[str], where: str, kept: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The values of the assignments, in order; names in `kept` have their value already.

    Expressions come from this repository, so they are evaluated as Python.

    Raises:
        ValueError: `where` holds for none of many draws.
    """
    draws = RandomDraws(rng)
    functions = {
        name: getattr(draws, name) for name in vars(RandomDraws) if not name.startswith("_")
    }
    scope = {**NAMES, **functions}
    for _ in range(TRIES):
        values: dict[str, object] = {}
        for assignment in draw:
            name, expression = (part.strip() for part in assignment.split("=", 1))
            if kept and name in kept:
                values[name] = kept[name]
            else:
                values[name] = eval(expression, scope | values)
        if not where or eval(where, scope | values):
            return values
    raise ValueError(f"Nothing was drawn for which {where} holds.")


@cache
def read_vocabulary(key: str) -> tuple[str, ...]:
    """The words of `vocabulary.toml` under this key."""
    return tuple(tomllib.loads(FILE.read_text(encoding="utf-8"))[key])

"""Functions for the expressions in a form's `draw`: random numbers, words, dates and lists."""

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
"""Number of draws after which a condition counts as impossible."""


class RandomDraws:
    """The random functions that expressions of forms call by name, on one random generator."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from low to high; all magnitudes are about equally frequent."""
        if self._rng.random() < 0.4 or high - low < 20:
            return self._rng.randint(low, high)
        size = 10 ** self._rng.randint(1, len(str(max(abs(low), abs(high))))) - 1
        least, most = max(low, -size), min(high, size)
        return self._rng.randint(least, most) if least <= most else self._rng.randint(low, high)

    def decimal(self, low: float, high: float, places: int) -> Fraction:
        """Return a decimal from low to high with 1 to `places` decimal places."""
        scale = 10 ** self._rng.randint(1, places)
        least, most = ceil(Fraction(str(low)) * scale), floor(Fraction(str(high)) * scale)
        return Fraction(self._rng.randint(least, most), scale)

    def number(self, low: float, high: float, places: int = 1) -> Fraction | int:
        """Return mostly a whole number from low to high, else a decimal."""
        if self._rng.random() < 0.65 and floor(high) >= ceil(low):
            return self.whole(ceil(low), floor(high))
        value = self.decimal(low, high, places)
        return int(value) if value.denominator == 1 else value

    def wholes(self, least: int, most: int, low: int, high: int) -> list[int]:
        """Return a list of `least` to `most` whole numbers from low to high."""
        count = self._rng.randint(least, most)
        return [self._rng.randint(low, high) for _ in range(count)]

    def choice(self, options: Sequence[Any]) -> Any:
        """Return one of the options."""
        return self._rng.choice(options)

    def sample(self, options: Sequence[Any], least: int, most: int) -> list[Any]:
        """Return `least` to `most` different options."""
        return self._rng.sample(options, self._rng.randint(least, most))

    def shuffled(self, items: Sequence[Any]) -> list[Any]:
        """Return the items in random order."""
        return self._rng.sample(items, len(items))

    def chance(self, share: float) -> bool:
        """Return True with the probability `share`."""
        return self._rng.random() < share

    def word(self, least: int = 3, most: int = 9) -> str:
        """Return a common English word of `least` to `most` letters."""
        return self._rng.choice([w for w in read_vocabulary("words") if least <= len(w) <= most])

    def words(self, least: int, most: int) -> list[str]:
        """Return a list of `least` to `most` different common words."""
        return self.sample(read_vocabulary("words"), least, most)

    def names(self, least: int, most: int) -> list[str]:
        """Return a list of `least` to `most` different first names."""
        return self.sample(read_vocabulary("names"), least, most)

    def time(self) -> str:
        """Return a time of day `HH:MM`, mostly a multiple of five minutes."""
        minutes = self._rng.randrange(24 * 60)
        return format_clock_time(minutes if self._rng.random() < 0.3 else minutes // 5 * 5)

    def day(self) -> str:
        """Return a date `YYYY-MM-DD` between 2001 and 2099."""
        return str(date(2001, 1, 1) + timedelta(self._rng.randrange(36_000)))


def draw_values(
    rng: random.Random, draw: Sequence[str], where: str, kept: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Evaluate the assignments `name = expression` in order; return the values by name.

    Names in `kept` keep the value given there. The draw is repeated until the expression `where`
    holds. Expressions come from this repository, so they are evaluated as Python.

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
    """Return the words of `vocabulary.toml` under this key."""
    return tuple(tomllib.loads(FILE.read_text(encoding="utf-8"))[key])

"""What a rule for a quantity consists of."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from models.curriculum.draws import RandomDraws
from models.curriculum.invented.numeric_steps import Step

Rng = random.Random


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers to draw from, written `3..9`, `1.5..4/1`, `10..90*10` or `2|5|10`."""

    text: str

    def draw_value(self, rng: Rng) -> Fraction:
        if ".." not in self.text:
            return Fraction(rng.choice(self.text.split("|")))
        low, high = self.text.split("..")
        if "*" in high:
            high, by = high.split("*")
            return Fraction(rng.randint(int(low) // int(by), int(high) // int(by)) * int(by))
        if "/" in high:
            high, places = high.split("/")
            return RandomDraws(rng).decimal(float(low), float(high), int(places))
        return Fraction(rng.randint(int(low), int(high)))


@dataclass(frozen=True, slots=True)
class Input:
    """One of the values that a rule starts from."""

    noun: str
    """As the rule has it, without an article."""
    others: tuple[str, ...]
    """What people may call it too."""
    plural: bool
    unit: str
    values: Range
    counted: bool = False
    """Whether the rule says `number of bags` rather than `bags`."""

    @property
    def procedure_noun(self) -> str:
        """The noun as the procedure has it."""
        return f"number of {self.noun}" if self.counted else self.noun

    def format_with_article(self) -> str:
        """The noun of the procedure with its article."""
        return self.procedure_noun if len(self.noun) == 1 else f"the {self.procedure_noun}"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a quantity is computed."""

    name: str
    inputs: Mapping[str, Input]
    steps: tuple[Step, ...]
    domain: str
    unit: str = ""
    asks: tuple[str, ...] = ()
    """Whole questions, with the keys of the inputs as slots."""
    about: tuple[str, ...] = ()
    """What things have such a quantity."""
    negative: bool = False
    """Whether values may be below zero."""


def parse_input(text: str) -> tuple[str, Input]:
    """An input out of a line `key | noun, other nouns | unit | range`, and its key."""
    key, nouns, unit, values = (part.strip() for part in text.split("|", 3))
    first, *others = (noun.strip() for noun in nouns.split(","))
    plain = tuple(noun.lstrip("+") for noun in others)
    return key, Input(first.lstrip("+"), plain, first.startswith("+"), unit, Range(values))

"""Records of a rule for a quantity: its inputs, their ranges, and its steps."""

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
    """Range of numbers, written `3..9`, `1.5..4/1` (places), `10..90*10` (step) or `2|5|10`."""

    text: str

    def draw_value(self, rng: Rng) -> Fraction:
        """Draw a number of the range."""
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
    """One input of a rule: its names, its unit and its range."""

    noun: str
    """The rule's name for the input, without an article."""
    others: tuple[str, ...]
    """Other names that a question may use."""
    plural: bool
    unit: str
    values: Range
    counted: bool = False
    """Whether the procedure says `number of bags` instead of `bags`."""

    @property
    def procedure_noun(self) -> str:
        """The name of the input in the procedure, without an article."""
        return f"number of {self.noun}" if self.counted else self.noun

    def format_with_article(self) -> str:
        """Return the name of the input in the procedure, with its article unless it is a letter."""
        return self.procedure_noun if len(self.noun) == 1 else f"the {self.procedure_noun}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by which steps compute a quantity from inputs."""

    name: str
    inputs: Mapping[str, Input]
    steps: tuple[Step, ...]
    domain: str
    unit: str = ""
    asks: tuple[str, ...] = ()
    """Complete wordings of questions, with the inputs' keys as slots."""
    about: tuple[str, ...] = ()
    """Names of things that have such a quantity."""
    negative: bool = False
    """Whether values below zero are allowed."""


def parse_input(text: str) -> tuple[str, Input]:
    """Parse a line `key | noun, other nouns | unit | range`; return the key and the input."""
    key, nouns, unit, values = (part.strip() for part in text.split("|", 3))
    first, *others = (noun.strip() for noun in nouns.split(","))
    plain = tuple(noun.lstrip("+") for noun in others)
    return key, Input(first.lstrip("+"), plain, first.startswith("+"), unit, Range(values))

"""How likely tokens were, as the worker tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Likely:
    """A token that could have been written."""

    token: int
    text: str
    """What of it is UTF-8 by itself; a character may be cut across tokens."""
    logprob: float
    """Natural logarithm of its probability: softmax over all of the model's logits as they are,
    before temperature, top-p and grammar."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A token that a branch wrote, and the likeliest there, best first."""

    token: int
    text: str
    logprob: float
    top: tuple[Likely, ...] = ()

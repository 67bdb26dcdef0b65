"""Tells whether a rule is the formula of a held-out family under another name."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import permutations

from models.curriculum.families import Family, as_text, read_families
from models.curriculum.invented.numeric_steps import OutOfReachError, Step, work_out

PROBES: tuple[tuple[int, ...], ...] = ((84, 12, 6, 3), (60, 24, 10, 4), (96, 48, 8, 2))
"""Inputs on which formulas are compared; so many of the first as there are inputs."""


def is_held_out(steps: Sequence[Step], keys: Sequence[str]) -> bool:
    """Whether the steps give what a held-out family gives, in some order of their inputs."""
    return any(
        _results(steps, dict(zip(order, range(len(keys)), strict=True))) in _held_out(len(keys))
        for order in permutations(keys)
    )


def _results(steps: Sequence[Step], order: dict[str, int]) -> tuple[str, ...]:
    found: list[str] = []
    for probe in PROBES:
        try:
            values = work_out(steps, {key: Fraction(probe[i]) for key, i in order.items()})
        except OutOfReachError:
            found.append("")
            continue
        found.append(as_text(values[-1]))
    return tuple(found) if any(found) else ()


@cache
def _held_out(count: int) -> frozenset[tuple[str, ...]]:
    """What the held-out families with so many numbers give for the probes."""
    families = [f for f in read_families().values() if f.split == "held-out"]
    found = (_family_results(f) for f in families if len(f.inputs) == count)
    return frozenset(results for results in found if results)


def _family_results(family: Family) -> tuple[str, ...]:
    names = list(family.inputs)
    try:
        return tuple(family.work_out(dict(zip(names, probe, strict=False))) for probe in PROBES)
    except (TypeError, ValueError, AttributeError, ZeroDivisionError, KeyError):
        return ()

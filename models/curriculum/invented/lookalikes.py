"""Detects invented rules that compute the same as a held-out family."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import permutations

from models.curriculum.families import Family, format_answer_value, read_families
from models.curriculum.invented.numeric_steps import OutOfReachError, Step, compute_values

PROBES: tuple[tuple[int, ...], ...] = ((84, 12, 6, 3), (60, 24, 10, 4), (96, 48, 8, 2))
"""Inputs on which formulas are compared; a formula takes the first numbers of each."""


def matches_held_out_family(steps: Sequence[Step], keys: Sequence[str]) -> bool:
    """Return whether the steps compute what a held-out family does, in any order of inputs."""
    return any(
        _compute_probe_results(steps, dict(zip(order, range(len(keys)), strict=True)))
        in _list_held_out_results(len(keys))
        for order in permutations(keys)
    )


def _compute_probe_results(steps: Sequence[Step], order: dict[str, int]) -> tuple[str, ...]:
    found: list[str] = []
    for probe in PROBES:
        try:
            values = compute_values(steps, {key: Fraction(probe[i]) for key, i in order.items()})
        except OutOfReachError:
            found.append("")
            continue
        found.append(format_answer_value(values[-1]))
    return tuple(found) if any(found) else ()


@cache
def _list_held_out_results(count: int) -> frozenset[tuple[str, ...]]:
    """Return the results on the probes of each held-out family with `count` inputs."""
    families = [f for f in read_families().values() if f.split == "held-out"]
    found = (_compute_family_results(f) for f in families if len(f.inputs) == count)
    return frozenset(results for results in found if results)


def _compute_family_results(family: Family) -> tuple[str, ...]:
    names = list(family.inputs)
    try:
        return tuple(
            family.compute_answer(dict(zip(names, probe, strict=False))) for probe in PROBES
        )
    except (TypeError, ValueError, AttributeError, ZeroDivisionError, KeyError):
        return ()

"""Writes arithmetic without the calculator: easy steps at once, others place by place."""

from __future__ import annotations

import random
import re

_SIMPLE = re.compile(r"<<(\d+)([-+*])(\d+)=(\d+)>>")
_ANY = re.compile(r"<<.+?>>")
EASY = 0.2
"""Share of easy calculations that are written without the calculator."""
SPELLED = 0.06
"""Share of solutions that are spelled out place by place, where that is possible."""
REQUESTS = (
    " Don't use a calculator.", " No calculator please.", " Without a calculator.",
    " Work it out by hand.", " by hand please", " Do it in your head.",
)  # fmt: skip


def spell_out_calculations(rng: random.Random, work: str, question: str) -> tuple[str, str]:
    """Return work and question; in a small share the work is spelled out on the user's request.

    Elsewhere some easy calculations are written without the calculator.
    """
    found = _ANY.findall(work)
    if found and rng.random() < SPELLED and "\n" not in question:
        spelled = [_expand_by_places(each) for each in found]
        if all(spelled):
            parts = iter(spelled)
            return _ANY.sub(lambda _: next(parts) or "", work), question + rng.choice(REQUESTS)
    return _SIMPLE.sub(
        lambda m: _drop_calculator_if_easy(m) if rng.random() < EASY else m[0], work
    ), question


def _drop_calculator_if_easy(match: re.Match[str]) -> str:
    """Return the calculation as plain text if its numbers are small, else unchanged."""
    a, operation, b = int(match[1]), match[2], int(match[3])
    easy = max(a, b) <= (10 if operation == "*" else 20)
    return f"{a}{operation}{b}={match[4]}" if easy else match[0]


def _expand_by_places(calculation: str) -> str | None:
    """Return `47+38: 47+30=77, 77+8=85`; None if the numbers are too large for that."""
    match = _SIMPLE.fullmatch(calculation)
    if match is None:
        return None
    a, operation, b, result = int(match[1]), match[2], int(match[3]), int(match[4])
    if max(a, b) <= (10 if operation == "*" else 20):
        return f"{a}{operation}{b}={result}"
    if operation == "*":
        if min(a, b) > 10 or max(a, b) > 999:
            return None
        large, small = max(a, b), min(a, b)
        parts = [int(d) * 10 ** (len(str(large)) - 1 - n) for n, d in enumerate(str(large))]
        parts = [part for part in parts if part]
        steps = [f"{part}*{small}={part * small}" for part in parts]
        return _append_running_sums(f"{large}*{small}", steps, [part * small for part in parts])
    if max(a, b) > 999:
        return None
    hundreds, tens, units = b // 100 * 100, b % 100 // 10 * 10, b % 10
    steps, value = [], a
    for part in (hundreds, tens, units):
        if part:
            new = value + part if operation == "+" else value - part
            steps.append(f"{value}{operation}{part}={new}")
            value = new
    return f"{a}{operation}{b}: {', '.join(steps)}"


def _append_running_sums(name: str, steps: list[str], values: list[int]) -> str:
    """Return the name and the steps, followed by the running sums of the values."""
    total = values[0]
    for value in values[1:]:
        steps.append(f"{total}+{value}={total + value}")
        total += value
    return f"{name}: {', '.join(steps)}"

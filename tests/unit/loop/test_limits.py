"""Numbers of plans and turns: those that would do harm are refused where they are made."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from rm_local.errors import UsageError
from rm_local.limits import HIGHEST_TEMPERATURE, LARGEST_SEED, MOST_BRANCHES
from rm_local.loop import PLANS, TurnOverrides

BAD: list[tuple[str, float]] = [
    ("samples", 0), ("samples", -1), ("samples", 10**11), ("samples", nan), ("hints", 10**9),
    ("keep_shortest", -1), ("max_tokens", 0), ("max_tokens", 10**12), ("max_seconds", nan),
    ("max_seconds", inf), ("max_seconds", -1.0), ("temperature", nan), ("temperature", inf),
    ("temperature", -0.1), ("top_p", 1.1), ("top_p", nan), ("min_similarity", nan),
    ("max_score_gap", nan), ("min_shortness", 2.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_plan_refuses_numbers_out_of_range(name: str, value: float) -> None:
    """With the name, the value and the range."""
    changed: dict[str, Any] = {name: value}

    with pytest.raises(UsageError, match=name) as refused:
        replace(PLANS["memory"], **changed)

    assert "from" in refused.value.remedy


def test_the_largest_values_are_accepted() -> None:
    """Plans of the shipped kinds can have as many branches as any."""
    for plan in PLANS.values():
        assert replace(plan, samples=MOST_BRANCHES).samples == MOST_BRANCHES
    TurnOverrides(temperature=HIGHEST_TEMPERATURE, seed=LARGEST_SEED)


@pytest.mark.parametrize(
    "overrides",
    [
        {"temperature": nan},
        {"temperature": inf},
        {"temperature": -1.0},
        {"seed": -1},
        {"seed": 2**64},
    ],
)
def test_a_turn_refuses_numbers_out_of_range(overrides: dict[str, Any]) -> None:
    """As a plan does."""
    with pytest.raises(UsageError):
        TurnOverrides(**overrides)

"""How long the running branches can take, from the state of a turn."""

from __future__ import annotations

from dataclasses import replace

from rm_local.loop.plan import PLANS
from rm_local.loop.time_left import compute_max_seconds_left
from rm_local.loop.turn import Turn, TurnBranch, create_initial_turn_state

PLAN = replace(PLANS["direct"], max_tokens=100)


def turn_of(*tokens: int, ended: int = 0) -> Turn:
    """A turn that reasons since second 10, its branches with so many tokens, some more ended."""
    branches = [TurnBranch(n, None, tokens=count) for n, count in enumerate(tokens)]
    branches += [TurnBranch(9, None, tokens=5, stop="end") for _ in range(ended)]
    return replace(create_initial_turn_state("", 10.0), stage="reasoning", branches=tuple(branches))


def test_the_slowest_running_branch_counts() -> None:
    """20 tokens in 2 seconds: 80 more take 8, and the branch with 10 takes 18."""
    assert compute_max_seconds_left(turn_of(20), PLAN, 12.0, 10.0) == 8.0
    assert compute_max_seconds_left(turn_of(20, 10, ended=3), PLAN, 12.0, 10.0) == 18.0


def test_nothing_is_said_before_a_speed_is_known() -> None:
    """Neither of branches that have hardly begun, nor when none runs."""
    assert compute_max_seconds_left(turn_of(20, 2), PLAN, 12.0, 10.0) is None
    assert compute_max_seconds_left(turn_of(ended=2), PLAN, 12.0, 10.0) is None
    assert compute_max_seconds_left(turn_of(20), PLAN, 10.0, 10.0) is None


def test_the_plans_time_may_end_sooner() -> None:
    """It counts from the turn's beginning, and is never negative."""
    plan = replace(PLAN, max_seconds=5.0)

    assert compute_max_seconds_left(turn_of(20), plan, 12.0, 9.0) == 2.0
    assert compute_max_seconds_left(turn_of(20), plan, 20.0, 9.0) == 0.0

"""Computes the longest time that the running branches of a turn can still take."""

from __future__ import annotations

from rm_local.loop.plan import Plan
from rm_local.loop.turn import Turn

_MIN_TOKENS = 8
"""Number of tokens that a branch must have written before its speed is estimated."""


def compute_max_seconds_left(turn: Turn, plan: Plan, at: float, began: float) -> float | None:
    """Estimate the seconds until all running branches have spent their token or time budgets.

    This is an upper bound: most branches end earlier. `at` is the present time, `began` the
    beginning of the turn, by the same clock. None while the speed of a branch is unknown, and
    without running branches.
    """
    running = [branch for branch in turn.branches if branch.stop is None]
    spent = at - turn.began
    known = [branch.tokens for branch in running if branch.tokens >= _MIN_TOKENS]
    if not known or len(known) < len(running) or spent <= 0:
        return None
    left = max((plan.max_tokens - tokens) * spent / tokens for tokens in known)
    if plan.max_seconds:
        left = min(left, max(0.0, plan.max_seconds - (at - began)))
    return left

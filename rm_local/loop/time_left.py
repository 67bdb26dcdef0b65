"""An upper bound of the time that the running branches take."""

from __future__ import annotations

from rm_local.loop.plan import Plan
from rm_local.loop.turn import Turn

_MIN_TOKENS = 8
"""Tokens of a branch from which its speed is estimated."""


def bound_seconds_left(turn: Turn, plan: Plan, at: float, began: float) -> float | None:
    """Bound the seconds until the running branches have used their budgets or the plan's time.

    `at`: now; `began`: when the turn began, by the same clock. None while a speed is unknown. Most
    branches end earlier, when the model has finished.
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

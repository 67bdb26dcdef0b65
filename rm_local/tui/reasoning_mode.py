"""How the next questions are to be thought about: whether at all, and how much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.engine.protocol import ModelInfo
    from rm_local.loop.plan import Plan


def fitting(plan: Plan, info: ModelInfo) -> Plan:
    """The plan without an effort that this model cannot be told."""
    return plan if plan.effort in info.efforts else replace(plan, effort="")


def toggled(plan: Plan) -> Plan:
    """With thinking where there was none, or without it."""
    return replace(plan, thinking=not plan.thinking)


def next_effort(plan: Plan, info: ModelInfo | None) -> Plan:
    """With the next of what the model can be told; the first is its usual."""
    efforts = ("", *info.efforts) if info else ("",)
    at = efforts.index(plan.effort) + 1
    return replace(plan, effort=efforts[at % len(efforts)])


def told(plan: Plan, info: ModelInfo | None) -> str:
    """In words, if it is not as usual; empty for a model that does not think."""
    if info is None or not info.thinks:
        return ""
    if not plan.thinking:
        return "no thinking"
    return f"effort {plan.effort}" if plan.effort else ""

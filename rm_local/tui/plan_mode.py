"""Reasoning on or off, and reasoning effort, for the next questions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.engine import ModelInfo
    from rm_local.loop import Plan


def drop_unsupported_effort(plan: Plan, info: ModelInfo) -> Plan:
    """The plan without an effort that this model does not know."""
    return plan if plan.effort in info.efforts else replace(plan, effort="")


def toggle_thinking(plan: Plan) -> Plan:
    """With thinking where there was none, or without it."""
    return replace(plan, thinking=not plan.thinking)


def next_effort(plan: Plan, info: ModelInfo | None) -> Plan:
    """With the next of the model's efforts; the first is its default."""
    efforts = ("", *info.efforts) if info else ("",)
    at = efforts.index(plan.effort) + 1
    return replace(plan, effort=efforts[at % len(efforts)])


def label(plan: Plan, info: ModelInfo | None) -> str:
    """The mode in words if it is not the default; empty for a model that does not think."""
    if info is None or not info.thinks:
        return ""
    if not plan.thinking:
        return "no thinking"
    return f"effort {plan.effort}" if plan.effort else ""

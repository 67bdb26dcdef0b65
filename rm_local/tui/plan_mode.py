"""Functions that switch thinking, reasoning effort and memory in the plan for next questions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.engine import ModelInfo
    from rm_local.loop import Plan, QuestionGate

_NEXT_GATE: dict[QuestionGate, QuestionGate] = {"auto": "open", "open": "shut", "shut": "auto"}
_GATE_LABELS: dict[QuestionGate, str] = {
    "auto": "",
    "open": "memory always",
    "shut": "memory never",
}


def drop_unsupported_effort(plan: Plan, info: ModelInfo) -> Plan:
    """Return the plan, with the default effort if the model does not support the plan's."""
    return plan if plan.effort in info.efforts else replace(plan, effort="")


def toggle_thinking(plan: Plan) -> Plan:
    """Return the plan with its setting for thinking inverted."""
    return replace(plan, thinking=not plan.thinking)


def cycle_effort(plan: Plan, info: ModelInfo | None) -> Plan:
    """Return the plan with the next of the model's efforts; the default follows the last.

    The plan's effort must be the default or one of the model's; without a model, the default.

    Raises:
        ValueError: The plan has another effort.
    """
    efforts = ("", *info.efforts) if info else ("",)
    at = efforts.index(plan.effort) + 1
    return replace(plan, effort=efforts[at % len(efforts)])


def cycle_memory_mode(plan: Plan) -> Plan:
    """Return the plan with the next memory mode, in the order automatic, always, never."""
    return replace(plan, question_gate=_NEXT_GATE[plan.question_gate])


def describe_memory_mode(plan: Plan) -> str:
    """Return a sentence on the plan's memory mode, such as `Memory: always.`"""
    words = _GATE_LABELS[plan.question_gate] or "memory where something fits"
    return f"{words.replace('memory', 'Memory:', 1)}."


def describe_nondefault_modes(plan: Plan, info: ModelInfo | None) -> str:
    """Describe thinking, effort and memory where they differ from the default; else empty."""
    memory = _GATE_LABELS[plan.question_gate] if plan.retrieval == "memory" else ""
    return " · ".join(part for part in (_describe_nondefault_thinking(plan, info), memory) if part)


def _describe_nondefault_thinking(plan: Plan, info: ModelInfo | None) -> str:
    """Return "no thinking" or the effort.

    Empty for the default, for an unknown model, and for a model that does not think.
    """
    if info is None or not info.thinks:
        return ""
    if not plan.thinking:
        return "no thinking"
    return f"effort {plan.effort}" if plan.effort else ""

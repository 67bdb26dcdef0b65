"""How the next questions are answered: thinking, how much of it, and memory."""

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


def next_question_gate(plan: Plan) -> Plan:
    """Hits where something fits, then for every question, then for none."""
    return replace(plan, question_gate=_NEXT_GATE[plan.question_gate])


def describe_memory(plan: Plan) -> str:
    """When the next questions get hits, in words."""
    words = _GATE_LABELS[plan.question_gate] or "memory where something fits"
    return f"{words.replace('memory', 'Memory:', 1)}."


def label(plan: Plan, info: ModelInfo | None) -> str:
    """What differs from the default, in words; empty where nothing does."""
    memory = _GATE_LABELS[plan.question_gate] if plan.retrieval == "memory" else ""
    return " · ".join(part for part in (_thinking_label(plan, info), memory) if part)


def _thinking_label(plan: Plan, info: ModelInfo | None) -> str:
    if info is None or not info.thinks:
        return ""
    if not plan.thinking:
        return "no thinking"
    return f"effort {plan.effort}" if plan.effort else ""

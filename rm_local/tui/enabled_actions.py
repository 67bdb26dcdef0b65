"""Decides whether an action of the chat is available; the footer shows only available actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rm_local.engine import ModelInfo
    from rm_local.loop import Plan
    from rm_local.tui.chat_state import ChatState


def is_action_enabled_or_unknown(
    action: str, state: ChatState, plan: Plan, info: ModelInfo | None
) -> bool | None:
    """Return whether the chat's action is available; None if no rule here covers the action."""
    turn = state.turn
    match action:
        case "stop":
            return state.is_turn_running or state.pending is not None
        case "cancel_question_edit":
            return state.edit_parent is not None
        case "edit_question":
            return turn is not None
        case "edit_subproblem" | "ask_again":
            return turn is not None and turn.has_complete_subproblem
        case "copy_answer":
            return (
                turn is not None and not turn.is_in_progress and bool(turn.answer_or_branch_texts)
            )
        case "switch_thinking":
            return info is not None and info.thinks
        case "next_effort":
            return info is not None and bool(info.efforts)
        case "next_memory_mode":
            return plan.retrieval == "memory"
        case _:
            return None

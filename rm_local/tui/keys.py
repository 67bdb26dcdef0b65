"""The chat's keys, and which of them do something now. The ids are what a keymap names them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from rm_local.engine.protocol import ModelInfo
    from rm_local.tui.chat_state import Conversation

CHAT: list[BindingType] = [
    Binding(
        "escape", "leave", "Leave", key_display="Esc", id="question.leave",
        tooltip="Leave the question as it was",
    ),
    Binding(
        "escape", "stop", "Stop", key_display="Esc", id="turn.stop",
        tooltip="Stop; what there is, is kept",
    ),
    Binding(
        "escape", "prompt", "Prompt", show=False, id="prompt.focus", tooltip="To the prompt"
    ),
    Binding(
        "f2", "edit", "Subproblem", key_display="F2", id="turn.edit",
        tooltip="Edit the subproblem, then retrieve and reason again",
    ),
    Binding(
        "f3", "again", "Again", key_display="F3", id="turn.again",
        tooltip="Retrieve and reason again, with the pins and drops",
    ),
    Binding(
        "f4", "copy_answer", "Copy", key_display="F4", id="answer.copy", tooltip="Copy the answer"
    ),
    Binding(
        "f5", "edit_question", "Question", show=False, key_display="F5", id="question.edit",
        tooltip="Edit this turn's question; the conversation forks there",
    ),
    Binding(
        "f8", "think", "Think", show=False, key_display="F8", id="plan.thinking",
        tooltip="Let the model think before it answers the next question, or not",
    ),
    Binding(
        "f9", "effort", "Effort", show=False, key_display="F9", id="plan.effort",
        tooltip="How much it thinks about the next question, where it can be told",
    ),
    Binding(
        "ctrl+t", "thinking", "Thinking", show=False, id="view.thinking",
        tooltip="Show or hide the thinking",
    ),
]  # fmt: skip


def possible(action: str, talk: Conversation, info: ModelInfo | None) -> bool | None:
    """Whether this can be done now; None for what does not depend on turn and model."""
    turn = talk.turn
    match action:
        case "stop":
            return talk.running or talk.waiting is not None
        case "leave":
            return talk.instead is not None
        case "edit_question":
            return turn is not None
        case "edit" | "again":
            return turn is not None and turn.named
        case "copy_answer":
            return turn is not None and not turn.running and bool(turn.answer_text)
        case "think":
            return info is not None and info.thinks
        case "effort":
            return info is not None and bool(info.efforts)
        case _:
            return None

"""The chat's keys. The ids are what a keymap names them by."""

from __future__ import annotations

from textual.binding import Binding, BindingType

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
        "f5", "edit_question", "Question", show=False, id="question.edit",
        tooltip="Edit this turn's question; the conversation forks there",
    ),
    Binding(
        "ctrl+t", "thinking", "Thinking", show=False, id="view.thinking",
        tooltip="Show or hide the thinking",
    ),
]  # fmt: skip

"""The chat's keys. The ids are what a keymap names them by."""

from __future__ import annotations

from textual.binding import Binding, BindingType

CHAT: list[BindingType] = [
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

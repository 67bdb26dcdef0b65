"""All key bindings of the app, grouped by their place; widgets and the help screen use them.

Keymaps refer to bindings by id. Footer and help both show the tooltip.
"""

from __future__ import annotations

from textual.binding import Binding

ASK = [
    Binding(
        "enter", "submit", "Ask", key_display="⏎", id="prompt.ask",
        tooltip="Ask; a question follows the turn on screen",
    ),
    Binding(
        "shift+enter,ctrl+j", "newline", "New line", show=False, id="prompt.newline",
        tooltip="New line in the question",
    ),
    Binding(
        "ctrl+underscore,ctrl+slash", "undo", "Undo", show=False, id="prompt.undo",
        tooltip="Undo the last change of the question",
    ),
]  # fmt: skip
TURN = [
    Binding(
        "escape", "stop", "Stop", key_display="Esc", id="turn.stop",
        tooltip="Stop; what there is, is kept",
    ),
    Binding(
        "f2", "edit_subproblem", "Subproblem", key_display="F2", id="turn.edit",
        tooltip="Edit the subproblem, reason again",
    ),
    Binding(
        "f3", "ask_again", "Again", key_display="F3", id="turn.again",
        tooltip="Reason again, with pins and drops: a fork",
    ),
    Binding(
        "f4", "copy_answer", "Copy", key_display="F4", id="answer.copy", tooltip="Copy the answer"
    ),
    Binding(
        "f5", "edit_question", "Question", show=False, key_display="F5", id="question.edit",
        tooltip="Edit the question in its place: a fork",
    ),
    Binding(
        "ctrl+g", "next_memory_mode", "Memory", show=False, id="plan.memory",
        tooltip="Memory where something fits, always, or never",
    ),
    Binding(
        "f8", "switch_thinking", "Think", show=False, key_display="F8", id="plan.thinking",
        tooltip="Thinking or not, from the next question on",
    ),
    Binding(
        "f9", "next_effort", "Effort", show=False, key_display="F9", id="plan.effort",
        tooltip="How much to think, if the model supports it",
    ),
]  # fmt: skip
HITS = [
    Binding(
        "enter", "select", "Read", key_display="⏎", id="hits.read", tooltip="Read the whole entry"
    ),
    Binding("p", "pin", "Pin", id="hits.pin", tooltip="Pin it for the next time, or not"),
    Binding("d", "drop", "Drop", id="hits.drop", tooltip="Drop it for the next time, or not"),
]
BRANCH = [
    Binding(
        "enter", "open_in_reader", "Read", key_display="⏎", id="branch.read",
        tooltip="Read all of it",
    ),
]  # fmt: skip
PAST_TURN = [
    Binding(
        "enter,space", "unfold_or_fold", "Unfold", key_display="⏎", id="past.unfold",
        tooltip="Read all of it",
    ),
    Binding(
        "b", "return_to_turn", "Back to it", id="past.back",
        tooltip="Go back to the old turn, to ask on from it",
    ),
]  # fmt: skip
VIEW = [
    Binding(
        "ctrl+t", "show_or_hide_thinking", "Thinking", show=False, id="view.thinking",
        tooltip="Show or hide the thinking",
    ),
]  # fmt: skip
APP = [
    Binding("f1", "help", "Help", key_display="F1", id="app.help", tooltip="This help"),
    Binding(
        "ctrl+o", "sessions", "Sessions", id="app.sessions",
        tooltip="Saved sessions; g continues one",
    ),
    Binding(
        "ctrl+n", "new_session", "New", id="app.new", tooltip="New session, which follows nothing"
    ),
    Binding("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Quit", priority=True),
    Binding(
        "ctrl+z", "suspend_process", "Suspend", id="app.suspend", show=False, priority=True,
        tooltip="Back to the shell; `fg` returns",
    ),
]  # fmt: skip

# Not in the help: each works in one situation only, in which the footer shows it or Esc leaves.
LEAVE_QUESTION = Binding(
    "escape", "cancel_question_edit", "Leave", key_display="Esc", id="question.leave",
    tooltip="Leave the question as it was",
)  # fmt: skip
FOCUS_PROMPT = Binding(
    "escape", "focus_prompt", "Prompt", show=False, id="prompt.focus", tooltip="To the prompt"
)
EDIT_SUBPROBLEM = [
    Binding(
        "enter", "submit", "Reason again", key_display="⏎", id="subproblem.accept",
        tooltip="Retrieve again with this subproblem, and reason again",
    ),
    Binding(
        "escape", "cancel_subproblem_edit", "Leave", key_display="Esc", id="subproblem.leave",
        tooltip="Leave the subproblem as it was",
    ),
]  # fmt: skip
READER = [
    Binding(
        "escape,enter,q", "dismiss", "Close", key_display="Esc", id="reader.close",
        tooltip="Back to the question",
    ),
    Binding("y,f4", "copy", "Copy", id="reader.copy", tooltip="Copy this text"),
]  # fmt: skip
SESSIONS = [
    Binding("escape,q", "back", "Back", key_display="Esc", id="sessions.back", tooltip="Back"),
    Binding("g", "continue_session", "Go on", id="sessions.go_on", tooltip="Continue this session"),
]
HELP = [
    Binding("escape,f1,q", "dismiss", "Close", key_display="Esc", id="help.close", tooltip="Back"),
]
QUIT_HELP = Binding(
    "ctrl+c", "help_quit", "How to quit", id="app.quit_help", show=False, system=True
)

# Escape triggers the first of these that is enabled.
CHAT = [LEAVE_QUESTION, *TURN, FOCUS_PROMPT, *VIEW]

# Textual binds these; they are listed for the help only.
SCROLL = Binding("up,down,pageup,pagedown", "", tooltip="Scroll")
NEXT_PART = Binding("tab,shift+tab", "", tooltip="Next part, part before")
COMMANDS = Binding("ctrl+p", "", tooltip="All commands, colours")

SECTIONS = (
    ("Asking", (*ASK, *TURN)),
    ("On a hit", tuple(HITS)),
    ("On a branch or an old turn", (*BRANCH, *PAST_TURN, SCROLL)),
    ("Everywhere", (NEXT_PART, *VIEW, *APP[1:3], COMMANDS, APP[0], *APP[3:])),
)
"""The sections of the help screen, as pairs of a title and its bindings."""
ALL = (
    *ASK, *CHAT, *HITS, *BRANCH, *PAST_TURN, *APP, *EDIT_SUBPROBLEM, *READER, *SESSIONS, *HELP,
)  # fmt: skip
"""Every binding of the app except `QUIT_HELP`."""

_NAMES = {
    "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "underscore": "_", "slash": "/",
}  # fmt: skip


def format_keys(binding: Binding) -> list[str]:
    """Format the binding's keys as printed on a keyboard: `Shift+Enter`, `Ctrl+J`, `p`."""
    return [_format_key(key) for key in binding.key.split(",")]


def _format_key(key: str) -> str:
    if len(key) == 1:
        return key
    *modifiers, last = key.split("+")
    last = _NAMES.get(last, last.upper() if modifiers and len(last) == 1 else last.capitalize())
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last])


def build_help_rows(bindings: tuple[Binding, ...]) -> list[tuple[str, str]]:
    """Build help rows (key names, description); bindings with equal tooltips share a row."""
    keys: dict[str, list[str]] = {}
    for binding in bindings:
        names = keys.setdefault(binding.tooltip, [])
        names += [name for name in format_keys(binding) if name not in names]
    return [(", ".join(names), does[:1].lower() + does[1:]) for does, names in keys.items()]

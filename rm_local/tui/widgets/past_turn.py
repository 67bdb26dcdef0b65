"""A turn that is over: two lines, and all of it on a key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.screen import ModalScreen

from rm_local.loop import Turn
from rm_local.tui import formatting, keys
from rm_local.tui.messages import TurnChosen
from rm_local.tui.turn_view import place
from rm_local.tui.widgets import answer_panel
from rm_local.tui.widgets.branch_pane import read, state, title
from rm_local.tui.widgets.text_line import Line


class PastTurn(Vertical, can_focus=True):
    """Question and answer; Enter or a click unfolds the rest."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.PAST_TURN]

    def __init__(self, view: Turn, *, unfolded: bool = False) -> None:
        super().__init__(classes="past")
        self.view = view
        self.set_class(unfolded, "-unfolded")

    def compose(self) -> ComposeResult:
        """The two lines, and what unfolds."""
        view = self.view
        question, summary, whole = Line(), Line(classes="summary"), Line(classes="whole")
        question.put(asked(view))
        summary.put(_summary(view))
        whole.put(Content("\n").join(_whole(view)))
        yield from (question, summary, whole)

    def action_unfold(self) -> None:
        """Unfold or fold."""
        self.toggle_class("-unfolded")

    def action_back(self) -> None:
        """Go back to this turn."""
        self.post_message(TurnChosen(self.view))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One goes back in the chat, not in what is only read."""
        if action == "back" and isinstance(self.screen, ModalScreen):
            return False
        return super().check_action(action, parameters)

    def on_click(self, event: Click) -> None:
        """The same by mouse."""
        self.action_unfold()


def asked(view: Turn) -> Content:
    """The turn's place in its session, and its question."""
    number = f"{where}  " if (where := place(view)) else ""
    return Content.assemble((number, "$foreground 60%"), formatting.one_line(view.question))


def _summary(view: Turn) -> Content:
    if view.answer is None:
        return answer_panel.note(view)
    parts = [answer_panel.result(view), answer_panel.carried(view, timed=True)]
    if view.stopped:
        parts.append(Content.styled("stopped early", "$warning"))
    return Content.styled(" · ", "$foreground 60%").join(parts)


def _whole(view: Turn) -> list[Content]:
    """Subproblem, hits, what was read, branches and the answer's text, a line each."""
    lines = []
    if view.subproblem:
        lines.append(
            Content.assemble(
                ("Formulate  ", "$phase-formulate"), formatting.one_line(view.subproblem)
            )
        )
    if view.memory_summary and not view.hits:
        lines.append(Content.assemble(("Retrieve   ", "$phase-retrieve"), view.memory_summary))
    for number, hit in enumerate(view.hits, 1):
        label = "Retrieve   " if number == 1 else " " * 11
        found = f"{number} {hit.similarity:.2f}  {formatting.name(hit)}"
        lines.append(
            Content.assemble(
                (label, "$phase-retrieve"),
                found,
                (f"  {formatting.origin(hit)}", "$foreground 60%"),
            )
        )
    if view.reading:
        lines.append(Content.assemble(("Read       ", "$phase-reason"), read(view.reading)))
    result = view.answer.result if view.answer else None
    for at, branch in enumerate(view.branches):
        mark, colour, words = state(branch, result)
        label = "Reason     " if at == 0 else " " * 11
        name = f"{title(branch, view.hits)}  "
        pace = f"  {formatting.count(branch.tokens, 'token')}"
        lines.append(
            Content.assemble(
                (label, "$phase-reason"),
                (mark, colour),
                " ",
                name,
                (words, colour),
                (pace, "$foreground 60%"),
            )
        )
    if said := answer_panel.text(view).plain:
        lines += [Content.styled("Answer", "$phase-answer"), Content(said)]
    return lines

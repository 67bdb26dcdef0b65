"""The widget of a past turn: question and answer in two lines, and details on request."""

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
from rm_local.tui.turn_view import format_turn_number_and_unusual_parent
from rm_local.tui.widgets import answer_panel
from rm_local.tui.widgets.branch_pane import (
    choose_branch_mark_color_and_words,
    describe_prefill,
    format_branch_hint_title,
)
from rm_local.tui.widgets.text_line import TextLine
from rm_local.units import format_count


class PastTurn(Vertical, can_focus=True):
    """Widget of one past turn: question and answer; Enter or a click unfolds the details."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.PAST_TURN]

    def __init__(self, turn: Turn, *, unfolded: bool = False) -> None:
        super().__init__(classes="past")
        self.turn = turn
        self.set_class(unfolded, "-unfolded")

    def compose(self) -> ComposeResult:
        """Lay out the two lines and the details."""
        turn = self.turn
        question, summary, whole = (
            TextLine(),
            TextLine(classes="summary"),
            TextLine(classes="whole"),
        )
        question.set_content(format_numbered_question(turn))
        summary.set_content(_format_summary(turn))
        whole.set_content(Content("\n").join(_format_details(turn)))
        yield from (question, summary, whole)

    def action_unfold_or_fold(self) -> None:
        """Unfold or fold the details."""
        self.toggle_class("-unfolded")

    def action_return_to_turn(self) -> None:
        """Ask the chat screen to make this turn the current one."""
        self.post_message(TurnChosen(self.turn))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the return to this turn in a dialog, where turns are only read."""
        if action == "return_to_turn" and isinstance(self.screen, ModalScreen):
            return False
        return super().check_action(action, parameters)

    def on_click(self, event: Click) -> None:
        """Unfold or fold the details."""
        self.action_unfold_or_fold()


def format_numbered_question(turn: Turn) -> Content:
    """Format the turn's number and its question on one line."""
    number = f"{where}  " if (where := format_turn_number_and_unusual_parent(turn)) else ""
    return Content.assemble((number, "$foreground 60%"), formatting.one_line(turn.question))


def _format_summary(turn: Turn) -> Content:
    if turn.answer is None:
        return answer_panel.describe_stop_or_failure(turn)
    parts = [
        answer_panel.format_vote_result_or_empty(turn),
        answer_panel.summarize_answer_or_empty(turn, timed=True),
    ]
    if turn.was_stopped:
        parts.append(Content.styled("stopped early", "$warning"))
    return Content.styled(" · ", "$foreground 60%").join(parts)


def _format_details(turn: Turn) -> list[Content]:
    """Format the details of a turn as lines: subproblem, hits, prefill, branches and answer."""
    lines = []
    if turn.subproblem:
        lines.append(
            Content.assemble(
                ("Formulate  ", "$phase-formulate"), formatting.one_line(turn.subproblem)
            )
        )
    if turn.hits_summary and not turn.hits:
        lines.append(Content.assemble(("Retrieve   ", "$phase-retrieve"), turn.hits_summary))
    for number, hit in enumerate(turn.hits, 1):
        label = "Retrieve   " if number == 1 else " " * 11
        found = (
            f"{number} {hit.similarity:.2f}  {formatting.format_hint_subproblem_or_no_hint(hit)}"
        )
        lines.append(
            Content.assemble(
                (label, "$phase-retrieve"),
                found,
                (f"  {formatting.format_store_domain_and_source(hit)}", "$foreground 60%"),
            )
        )
    if turn.reading:
        lines.append(
            Content.assemble(("Read       ", "$phase-reason"), describe_prefill(turn.reading))
        )
    result = turn.answer.result if turn.answer else None
    for at, branch in enumerate(turn.branches):
        mark, color, words = choose_branch_mark_color_and_words(branch, result)
        label = "Reason     " if at == 0 else " " * 11
        name = f"{format_branch_hint_title(branch, turn.hits)}  "
        pace = f"  {format_count(branch.tokens, 'token')}"
        lines.append(
            Content.assemble(
                (label, "$phase-reason"),
                (mark, color),
                " ",
                name,
                (words, color),
                (pace, "$foreground 60%"),
            )
        )
    if said := answer_panel.format_answer_text_unless_only_result(turn).plain:
        lines += [Content.styled("Answer", "$phase-answer"), Content(said)]
    return lines

"""The panel of the current turn: its parts Formulate, Retrieve, Reason and Answer."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Input

from rm_local.loop import Turn
from rm_local.tui import formatting, keys
from rm_local.tui.chat_state import HitMarks
from rm_local.tui.messages import SubproblemEditCancelled, SubproblemEdited
from rm_local.tui.turn_view import compute_token_rate, derive_phases
from rm_local.tui.widgets.answer_panel import AnswerPanel
from rm_local.tui.widgets.branch_list import BranchList
from rm_local.tui.widgets.hit_list import HitList
from rm_local.tui.widgets.past_turn import format_numbered_question
from rm_local.tui.widgets.text_line import ASLEEP, TextLine, format_phase_head
from rm_local.units import format_count


class SubproblemInput(Input):
    """Input line for the subproblem of the current turn; Escape cancels the editing."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.EDIT_SUBPROBLEM]

    def action_cancel_subproblem_edit(self) -> None:
        """Cancel the editing."""
        self.post_message(SubproblemEditCancelled())


class TurnPanel(Container):
    """Panel of the current `Turn`; its four parts keep their places while the turn runs."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: tuple[Turn, HitMarks, float] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the question and the four parts."""
        yield TextLine(id="question")
        with Container(id="formulate", classes="phase"):
            yield TextLine(id="formulate-head")
            yield SubproblemInput(id="subproblem", compact=True)
        with Container(id="work"):
            with Vertical(id="retrieve", classes="phase"):
                yield TextLine(id="retrieve-head")
                yield HitList(id="hits")
                yield TextLine(id="preview")
            with Vertical(id="reason", classes="phase"):
                yield TextLine(id="reason-head")
                yield BranchList(id="branches")
        yield AnswerPanel(id="answer", classes="phase")

    def show_turn(self, turn: Turn, marks: HitMarks, now: float) -> None:
        """Draw the turn and its marked hits; a running phase is timed until `now`."""
        self._drawn = turn, marks, now
        formulate, retrieve, reason = derive_phases(turn, now)
        result = turn.answer.result if turn.answer else None
        used = turn.answer.hint_keys if turn.answer else ()
        question = (
            format_numbered_question(turn)
            if turn.number > 1
            else Content(formatting.one_line(turn.question))
        )
        self._set_line_content("#question", question)
        self._set_line_content(
            "#formulate-head",
            format_phase_head(
                "Formulate",
                "$phase-formulate",
                formulate,
                "" if self.is_editing else _describe_subproblem_or_prefill(turn),
            ),
        )
        self._set_line_content(
            "#retrieve-head",
            format_phase_head(
                "Retrieve", "$phase-retrieve", retrieve, _describe_hit_counts(turn, marks)
            ),
        )
        self._set_line_content(
            "#reason-head",
            format_phase_head(
                "Reason", "$phase-reason", reason, _describe_branch_progress(turn, now)
            ),
        )
        for part, phase in (("formulate", formulate), ("retrieve", retrieve), ("reason", reason)):
            self.query_one(f"#{part}").set_class(phase.state in ASLEEP, "-waiting")
        self.query_one("#hits", HitList).show_hits(turn.hits, marks, used)
        self.query_one("#branches", BranchList).show_branches(turn.branches, turn.hits, result)
        self.query_one("#answer", AnswerPanel).show_answer(turn)

    def show_subproblem_input(self, subproblem: str) -> None:
        """Replace the subproblem's line by an input."""
        field = self.query_one("#subproblem", SubproblemInput)
        field.value = formatting.one_line(subproblem)
        self._set_editing(True)
        field.focus()

    @property
    def is_editing(self) -> bool:
        """Whether the subproblem is being edited."""
        return self.query_one("#formulate").has_class("-editing")

    def _set_editing(self, editing: bool) -> None:
        self.query_one("#formulate").set_class(editing, "-editing")
        if self._drawn is not None:
            self.show_turn(*self._drawn)

    @on(SubproblemEditCancelled)
    def _cancel_edit(self) -> None:
        self._set_editing(False)
        self.query_one("#hits").focus()

    @on(HitList.OptionHighlighted, "#hits")
    def _preview_hit(self) -> None:
        if hit := self.query_one("#hits", HitList).highlighted_hit:
            self._set_line_content("#preview", formatting.sanitize_to_content(hit.entry.subroutine))

    @on(Input.Submitted, "#subproblem")
    def _end_edit_and_post_subproblem(self, event: Input.Submitted) -> None:
        event.stop()
        self._set_editing(False)
        if subproblem := event.value.strip():
            self.post_message(SubproblemEdited(subproblem))

    def _set_line_content(self, selector: str, content: Content) -> None:
        self.query_one(selector, TextLine).set_content(content)


AUTHORS = {"model": "", "user": "  (yours)", "question": "  (the question itself)"}


def _describe_subproblem_or_prefill(turn: Turn) -> Content:
    """Return the subproblem, with its author unless that is the model.

    During the prefill, before there are branches, return the prefill's progress instead.
    """
    if turn.is_in_progress and turn.prefilling is not None and not turn.branches:
        share, left = turn.prefilling.share, turn.prefilling.left
        return Content.styled(
            f"reading, {share:.0%}, {formatting.format_seconds(left)} left", "$foreground 60%"
        )
    whose = AUTHORS[turn.author] if turn.formulated is not None else ""
    return Content.assemble(formatting.one_line(turn.subproblem), (whose, "$foreground 60%"))


def _describe_hit_counts(turn: Turn, marks: HitMarks) -> Content:
    """Return the numbers of hits found, too long, pinned and dropped; empty before retrieval."""
    if not turn.hits_summary and not turn.hits:
        return Content("")
    number = format_count(len(turn.hits), "hit")
    parts = [number if turn.hits else f"memory: {turn.hits_summary}"]
    if turn.cuts:
        parts.append(f"{len(turn.cuts)} too long: cut or left out")
    if marks.pinned:
        parts.append(f"{len(marks.pinned)} pinned")
    if marks.dropped:
        parts.append(f"{len(marks.dropped)} dropped")
    return Content(" · ".join(parts))


def _describe_branch_progress(turn: Turn, now: float) -> Content:
    """Return the number of branches, their tokens, rate and first-token time; empty without any."""
    if not turn.branches:
        return Content("")
    left = sum(branch.stop is None for branch in turn.branches)
    many = format_count(len(turn.branches), "branch", "branches")
    parts = [f"{left} of {many} running" if left else many]
    parts += [
        format_count(turn.tokens, "token"),
        formatting.format_rate(compute_token_rate(turn, now)),
    ]
    if turn.reading:
        parts.append(f"first {formatting.format_seconds(turn.reading.first_token_seconds)}")
    return Content(" · ".join(part for part in parts if part))

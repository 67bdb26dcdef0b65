"""The turn that runs or ran last: Formulate, Retrieve, Reason, Answer, always in this order."""

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
from rm_local.tui.messages import EditLeft, SubproblemEdited
from rm_local.tui.turn_view import Phase, phases, rate
from rm_local.tui.widgets.answer_panel import AnswerPanel
from rm_local.tui.widgets.branch_list import Branches
from rm_local.tui.widgets.hit_list import Hits
from rm_local.tui.widgets.past_turn import asked
from rm_local.tui.widgets.text_line import ASLEEP, Line, head


class SubproblemInput(Input):
    """The subproblem while it is being edited."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.EDIT_SUBPROBLEM]

    def action_leave(self) -> None:
        """Back to the line as it was."""
        self.post_message(EditLeft())


class TurnPanel(Container):
    """Draws one `Turn`; the pieces keep their places while it grows."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: tuple[Turn, HitMarks, float] | None = None

    def compose(self) -> ComposeResult:
        """The question and the four parts."""
        yield Line(id="question")
        with Container(id="formulate", classes="phase"):
            yield Line(id="formulate-head")
            yield SubproblemInput(id="subproblem", compact=True)
        with Container(id="work"):
            with Vertical(id="retrieve", classes="phase"):
                yield Line(id="retrieve-head")
                yield Hits(id="hits")
                yield Line(id="preview")
            with Vertical(id="reason", classes="phase"):
                yield Line(id="reason-head")
                yield Branches(id="branches")
        yield AnswerPanel(id="answer", classes="phase")

    def show(self, view: Turn, marks: HitMarks, now: float) -> None:
        """Draw the turn as it stands at `now`."""
        self._drawn = view, marks, now
        formulate, retrieve, reason = phases(view, now)
        result = view.answer.result if view.answer else None
        used = view.answer.hints if view.answer else ()
        question = asked(view) if view.number > 1 else Content(formatting.one_line(view.question))
        self._put("#question", question)
        self._put(
            "#formulate-head",
            head("Formulate", "$phase-formulate", formulate, "" if self.editing else _named(view)),
        )
        self._put(
            "#retrieve-head", head("Retrieve", "$phase-retrieve", retrieve, _found(view, marks))
        )
        self._put("#reason-head", head("Reason", "$phase-reason", reason, _pace(view, reason, now)))
        for part, phase in (("formulate", formulate), ("retrieve", retrieve), ("reason", reason)):
            self.query_one(f"#{part}").set_class(phase.state in ASLEEP, "-waiting")
        self.query_one("#hits", Hits).show(view.hits, marks, used)
        self.query_one("#branches", Branches).show(view.branches, view.hits, result)
        self.query_one("#answer", AnswerPanel).show(view)

    def edit(self, subproblem: str) -> None:
        """Turn the subproblem's line into an input."""
        field = self.query_one("#subproblem", SubproblemInput)
        field.value = formatting.one_line(subproblem)
        self._set_editing(True)
        field.focus()

    @property
    def editing(self) -> bool:
        """Whether the subproblem is an input now."""
        return self.query_one("#formulate").has_class("-editing")

    def _set_editing(self, editing: bool) -> None:
        self.query_one("#formulate").set_class(editing, "-editing")
        if self._drawn is not None:
            self.show(*self._drawn)

    @on(EditLeft)
    def _left(self) -> None:
        self._set_editing(False)
        self.query_one("#hits").focus()

    @on(Hits.OptionHighlighted, "#hits")
    def _previewed(self) -> None:
        if hit := self.query_one("#hits", Hits).chosen:
            self._put("#preview", formatting.plain(hit.entry.subroutine))

    @on(Input.Submitted, "#subproblem")
    def _edited(self, event: Input.Submitted) -> None:
        event.stop()
        self._set_editing(False)
        if subproblem := event.value.strip():
            self.post_message(SubproblemEdited(subproblem))

    def _put(self, selector: str, content: Content) -> None:
        self.query_one(selector, Line).put(content)


AUTHORS = {"model": "", "user": "  (yours)", "question": "  (the question itself)"}


def _named(view: Turn) -> Content:
    """The subproblem, and whose words it is in when they are not the model's.

    Before there is any, how far the prompt is read.
    """
    if view.running and view.prefilling is not None and not view.branches:
        share, left = view.prefilling.share, view.prefilling.left
        return Content.styled(
            f"reading, {share:.0%}, {formatting.seconds(left)} left", "$foreground 60%"
        )
    whose = AUTHORS[view.author] if view.formulated is not None else ""
    return Content.assemble(formatting.one_line(view.subproblem), (whose, "$foreground 60%"))


def _found(view: Turn, marks: HitMarks) -> Content:
    """How many hits there are, and what the user marked."""
    if not view.memory_summary and not view.hits:
        return Content("")
    number = formatting.count(len(view.hits), "hit")
    parts = [number if view.hits else f"memory: {view.memory_summary}"]
    if view.cuts:
        parts.append(f"{len(view.cuts)} too long: cut or left out")
    if marks.pinned:
        parts.append(f"{len(marks.pinned)} pinned")
    if marks.dropped:
        parts.append(f"{len(marks.dropped)} dropped")
    return Content(" · ".join(parts))


def _pace(view: Turn, phase: Phase, now: float) -> Content:
    """How many branches there are, what they wrote and how fast."""
    if not view.branches:
        return Content("")
    left = sum(branch.stop is None for branch in view.branches)
    many = formatting.count(len(view.branches), "branch", "branches")
    parts = [f"{left} of {many} running" if left else many]
    parts += [formatting.count(view.tokens, "token"), formatting.rate(rate(view, now))]
    if view.reading:
        parts.append(f"first {formatting.seconds(view.reading.first_token_seconds)}")
    return Content(" · ".join(part for part in parts if part))

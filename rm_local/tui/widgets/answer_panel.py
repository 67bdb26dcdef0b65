"""The panel of the answer and its vote, or of the reason for a missing answer."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Digits

from rm_local.loop import Turn
from rm_local.tui import formatting
from rm_local.tui.turn_view import Phase
from rm_local.tui.widgets.text_line import TextLine, format_phase_head
from rm_local.units import format_count

LARGE_CHARACTERS = frozenset("0123456789+-.,:%$€£ ")
"""Characters that Textual's Digits draws three lines high."""
LARGEST_RESULT = 16
"""Characters of a result that is drawn large."""
LARGE_FROM = 28
"""Lines of a screen on which a result is drawn large."""


class AnswerPanel(VerticalScroll):
    """Panel of a turn's answer, vote and end; scrolls if the answer is long."""

    _turn: Turn | None = None
    """The turn that is shown."""

    def compose(self) -> ComposeResult:
        """Lay out head, large result, note, vote and text."""
        yield TextLine(id="answer-head")
        yield Digits(id="answer-large")
        yield TextLine(id="answer-note")
        yield TextLine(id="answer-carried")
        yield TextLine(id="answer-text")

    def show_answer(self, turn: Turn) -> None:
        """Draw the turn's answer, or a placeholder until it has one."""
        self._turn = turn
        self.set_class(turn.is_in_progress, "-waiting")
        large = (
            get_short_numeric_result_or_empty(turn) if self.screen.size.height >= LARGE_FROM else ""
        )
        digits = self.query_one("#answer-large", Digits)
        digits.display = bool(large)
        digits.update(large)
        for part, content in (
            ("head", _format_head(turn, with_result=not large)),
            ("note", describe_stop_or_failure(turn)),
            ("carried", summarize_answer_or_empty(turn)),
            ("text", format_answer_text_unless_only_result(turn)),
        ):
            line = self.query_one(f"#answer-{part}", TextLine)
            line.set_content(content)
            line.display = bool(content.plain)

    def on_resize(self) -> None:
        """Draw the result large or small, as the screen has room."""
        if self._turn is not None:
            self.show_answer(self._turn)


def get_short_numeric_result_or_empty(turn: Turn) -> str:
    """Return the vote's result if it is a short number; otherwise empty."""
    result = (turn.answer.result if turn.answer else None) or ""
    fits = len(result) <= LARGEST_RESULT and LARGE_CHARACTERS.issuperset(result)
    return result if fits else ""


def _format_head(turn: Turn, *, with_result: bool) -> Content:
    if turn.answer is not None:
        result = format_vote_result_or_empty(turn) if with_result else Content("")
        phase = Phase("done", turn.answer.seconds)
        return format_phase_head("Answer", "$phase-answer", phase, result)
    if turn.stage == "stopped":
        return Content.styled("■ Stopped", "bold $warning")
    if turn.stage == "failed":
        return Content.styled("✕ Failed", "bold $error")
    return format_phase_head("Answer", "$phase-answer", Phase("waiting", None))


def format_vote_result_or_empty(turn: Turn) -> Content:
    """Format the vote's result in one line; empty without one, as for an answer in prose."""
    if turn.answer is None or turn.answer.result is None:
        return Content("")
    return Content.styled(formatting.one_line(turn.answer.result), "bold")


def describe_stop_or_failure(turn: Turn) -> Content:
    """Describe the user's stop, or the error and its remedy; empty for any other turn."""
    if turn.stage == "failed":
        return Content.assemble(
            (formatting.one_line(turn.message), "$error"), " ", formatting.one_line(turn.remedy)
        )
    if not turn.was_stopped:
        return Content("")
    finished = sum(branch.stop != "cancelled" for branch in turn.branches)
    many = format_count(len(turn.branches), "branch", "branches")
    if turn.answer is not None:
        return Content.styled(f"Stopped early, when {finished} of {many} had finished.", "$warning")
    if turn.branches:
        return Content.styled(
            "Stopped before there was an answer; what there is, is kept.", "$warning"
        )
    return Content.styled("Stopped before the model had reasoned.", "$warning")


def summarize_answer_or_empty(turn: Turn, *, timed: bool = False) -> Content:
    """Summarize in one line agreeing branches, hints and tokens; `timed` adds the duration.

    Empty for a turn without an answer.
    """
    answer = turn.answer
    if answer is None:
        return Content("")
    parts = []
    if answer.result is not None and answer.branches == 1 and answer.saved_branches:
        parts.append("1 branch, others would hardly differ")
    elif answer.result is not None:
        many = format_count(answer.branches, "branch", "branches")
        parts.append(f"{answer.agreed} of {many} agreed")
    if names := _describe_answer_hints_by_number(turn):
        parts.append(f"under {names}")
    parts += [
        format_count(answer.tokens, "token"),
        *([f"about {answer.saved_tokens:,} saved"] if answer.saved_tokens else []),
        *([formatting.format_seconds(answer.seconds)] if timed else []),
    ]
    return Content.styled(" · ".join(parts), "$foreground 60%")


def format_answer_text_unless_only_result(turn: Turn) -> Content:
    """Format the answer's text; empty if it has no more than the vote's result."""
    if turn.answer is None:
        return Content("")
    said, result = turn.answer.text.strip(), turn.answer.result
    return formatting.sanitize_to_content("" if said in (result, f"Answer: {result}") else said)


def _describe_answer_hints_by_number(turn: Turn) -> str:
    """List the answer's hints by their numbers in the list of hits: `hint 1`, `hints 1 and 3`."""
    used = turn.answer.hint_keys if turn.answer else ()
    numbers = [str(i + 1) for i, hit in enumerate(turn.hits) if hit.key in used]
    if not numbers:
        return "no hint" if turn.hits and not used else ""
    if len(numbers) == 1:
        return f"hint {numbers[0]}"
    return f"hints {', '.join(numbers[:-1])} and {numbers[-1]}"

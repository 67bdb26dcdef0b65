"""The answer, and what carried it; or why there is none."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from rm_local.loop import Turn
from rm_local.tui import formatting
from rm_local.tui.turn_view import Phase
from rm_local.tui.widgets.text_line import Line, head


class AnswerPanel(VerticalScroll):
    """Scrolls when the answer is long."""

    def compose(self) -> ComposeResult:
        """Result, what carried it, the text."""
        yield Line(id="answer-head")
        yield Line(id="answer-note")
        yield Line(id="answer-carried")
        yield Line(id="answer-text")

    def show(self, view: Turn) -> None:
        """Draw the end of the turn, or an empty place for it."""
        self.set_class(view.running, "-waiting")
        for part, content in (
            ("head", _head(view)),
            ("note", note(view)),
            ("carried", carried(view)),
            ("text", text(view)),
        ):
            line = self.query_one(f"#answer-{part}", Line)
            line.put(content)
            line.display = bool(content.plain)


def _head(view: Turn) -> Content:
    if view.answer is not None:
        return head("Answer", "$phase-answer", Phase("done", view.answer.seconds), result(view))
    if view.stage == "stopped":
        return Content.styled("■ Stopped", "bold $warning")
    if view.stage == "failed":
        return Content.styled("✕ Failed", "bold $error")
    return head("Answer", "$phase-answer", Phase("waiting", None))


def result(view: Turn) -> Content:
    """What the vote chose, in one line; empty for an answer in words, which is shown below."""
    if view.answer is None or view.answer.result is None:
        return Content("")
    return Content.styled(formatting.one_line(view.answer.result), "bold")


def note(view: Turn) -> Content:
    """That the turn was stopped, or what failed and what to do."""
    if view.stage == "failed":
        return Content.assemble(
            (formatting.one_line(view.message), "$error"), " ", formatting.one_line(view.remedy)
        )
    if not view.stopped:
        return Content("")
    finished = sum(branch.stop != "cancelled" for branch in view.branches)
    many = formatting.count(len(view.branches), "branch", "branches")
    if view.answer is not None:
        return Content.styled(f"Stopped early, when {finished} of {many} had finished.", "$warning")
    if view.branches:
        return Content.styled(
            "Stopped before there was an answer; what there is, is kept.", "$warning"
        )
    return Content.styled("Stopped before the model had reasoned.", "$warning")


def carried(view: Turn, *, timed: bool = False) -> Content:
    """How many branches agreed, under which hints, and what the turn cost; `timed` adds seconds."""
    answer = view.answer
    if answer is None:
        return Content("")
    parts = []
    if answer.result is not None and answer.branches == 1 and answer.saved_branches:
        parts.append("1 branch, others would hardly differ")
    elif answer.result is not None:
        parts.append(
            f"{answer.agreed} of {formatting.count(answer.branches, 'branch', 'branches')} agreed"
        )
    if names := _hints(view):
        parts.append(f"under {names}")
    parts += [
        formatting.count(answer.tokens, "token"),
        *([f"about {answer.saved_tokens:,} saved"] if answer.saved_tokens else []),
        *([formatting.seconds(answer.seconds)] if timed else []),
    ]
    return Content.styled(" · ".join(parts), "$foreground 60%")


def text(view: Turn) -> Content:
    """The chosen branch's own words."""
    if view.answer is None:
        return Content("")
    said = view.answer.text.strip()
    return formatting.plain("" if said == view.answer.result else said)


def _hints(view: Turn) -> str:
    """`hint 1` or `hints 1 and 3`, numbered as the hits are."""
    used = view.answer.hints if view.answer else ()
    numbers = [str(i + 1) for i, hit in enumerate(view.hits) if hit.entry.id in used]
    if not numbers:
        return "no hint" if view.hits and not used else ""
    if len(numbers) == 1:
        return f"hint {numbers[0]}"
    return f"hints {', '.join(numbers[:-1])} and {numbers[-1]}"

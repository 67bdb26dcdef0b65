"""The pane of a branch: its hint in the top border, its text, its state in the bottom border."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize

from rm_local.loop import TurnBranch
from rm_local.records import Hit, PrefillStats
from rm_local.tui import formatting, keys
from rm_local.tui.messages import BranchOpened
from rm_local.tui.widgets.streaming_text import StreamingText
from rm_local.units import format_count


def format_branch_hint_title(branch: TurnBranch, hits: tuple[Hit, ...]) -> str:
    """Format the number and the subproblem of the branch's hint: `2 How do I ...`, or `no hint`.

    The number is the hint's place in `hits`, left out if the hint is not among them.
    """
    if branch.hint is None:
        return "no hint"
    listed, at = [hit.key for hit in hits], branch.hint.key
    number = f"{listed.index(at) + 1} " if at in listed else ""
    return number + formatting.format_hint_subproblem_or_no_hint(branch.hint)


def describe_prefill(reading: PrefillStats) -> Content:
    """Return a line on the prompt's tokens, those evaluated, and the time until the first text."""
    prompt = format_count(reading.prompt, "token")
    late = reading.prompt_last + reading.hints_read
    return Content.styled(
        f"prompt of {prompt}, {reading.prompt_read:,} of them new · "
        f"{late:,} for the branches in {formatting.format_seconds(reading.hints_seconds)} · "
        f"first text after {formatting.format_seconds(reading.first_token_seconds)}",
        "$foreground 60%",
    )


def choose_branch_mark_color_and_words(
    branch: TurnBranch, result: str | None
) -> tuple[str, str, str]:
    """Return a branch's state as a mark, a colour and words; `result` is the vote's result."""
    if branch.stop is None:
        return "◉", "$phase-reason", "running"
    words = {
        "end": "done",
        "length": "budget used up",
        "context": "context full",
        "repeating": "repeats itself",
        "time": "time is over",
    }
    said = words.get(branch.stop, branch.stop)
    if branch.stop == "cancelled":
        return "■", "$warning", said
    if branch.stop == "outvoted":
        return "◌", "$foreground 60%", said
    if branch.stop == "repeating":
        return "↻", "$warning", said
    if branch.result is None and branch.stop == "end" and branch.text.strip():
        return "●", "$foreground", formatting.one_line(branch.text)
    if branch.result is None:
        return "○", "$warning", f"{said}, no answer"
    outcome = formatting.one_line(branch.result) if branch.stop == "end" else said
    agrees = result is not None and branch.result == result
    color = "$phase-answer" if agrees else "$foreground"
    return ("✓" if agrees else "●"), color, outcome


class BranchPane(VerticalScroll):
    """Pane of one branch; it scrolls with the growing text until the user scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.BRANCH]

    def __init__(self, index: int) -> None:
        super().__init__(classes="branch")
        self.index = index
        self._shown: tuple[TurnBranch, tuple[Hit, ...], str | None] | None = None
        self._streamed = StreamingText()

    def compose(self) -> ComposeResult:
        """Lay out the widget of the branch's text."""
        yield self._streamed

    def on_mount(self) -> None:
        """Scroll with the text, and draw a branch that arrived before the pane was mounted."""
        self.anchor()
        self._draw_branch()

    def on_resize(self, event: Resize) -> None:
        """Cut the titles to the new width."""
        self._draw_titles()

    def show_branch(self, branch: TurnBranch, hits: tuple[Hit, ...], result: str | None) -> None:
        """Draw the branch if anything changed; `result` is the vote's result, None without one."""
        if self._shown != (branch, hits, result):
            self._shown = branch, hits, result
            self._draw_branch()

    def action_open_in_reader(self) -> None:
        """Open the whole text in the reader."""
        self.post_message(BranchOpened(self.index))

    def _draw_branch(self) -> None:
        if self._shown is None or not self._streamed.is_attached:
            return
        branch = self._shown[0]
        self._streamed.show_text(
            branch.thinking, branch.text, branch.thinking_forced, branch.text_forced
        )
        self.set_class(branch.stop is not None, "-ended")
        self._draw_titles()

    def _draw_titles(self) -> None:
        if self._shown is None:
            return
        branch, hits, result = self._shown
        room = max(8, self.outer_size.width - 8)
        mark, color, words = choose_branch_mark_color_and_words(branch, result)
        pace = [f"{branch.tokens:,} tok", formatting.format_rate(branch.tokens_per_second)]
        below = " · ".join(
            part for part in (formatting.shorten_text(words, room // 2), *pace) if part
        )
        self.border_title = Content(
            formatting.shorten_text(format_branch_hint_title(branch, hits), room)
        )
        self.border_subtitle = Content.assemble(
            (f"{mark} ", color), formatting.shorten_text(below, room)
        )

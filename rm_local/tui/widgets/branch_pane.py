"""One branch: its hint's name above, its pace and state below, what it writes between."""

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
from rm_local.tui.widgets.streaming_text import Streamed


def title(branch: TurnBranch, hits: tuple[Hit, ...]) -> str:
    """`2 How do I ...`, with the hint's number in the list of hits."""
    if branch.hint is None:
        return "no hint"
    ids = [hit.entry.id for hit in hits]
    at = branch.hint.entry.id
    number = f"{ids.index(at) + 1} " if at in ids else ""
    return number + formatting.name(branch.hint)


def read(reading: PrefillStats) -> Content:
    """`212 tokens of prompt, 40 of them new; 351 for the branches in 110 ms; first ...`."""
    late = reading.prompt_last + reading.hints_read
    return Content.styled(
        f"prompt of {formatting.count(reading.prompt, 'token')}, {reading.prompt_read:,} of them "
        f"new · "
        f"{late:,} for the branches in {formatting.seconds(reading.hints_seconds)} · "
        f"first text after {formatting.seconds(reading.first_token_seconds)}",
        "$foreground 60%",
    )


def state(branch: TurnBranch, result: str | None) -> tuple[str, str, str]:
    """Mark, colour and words for how a branch stands; `result` is what the vote chose."""
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
    colour = "$phase-answer" if agrees else "$foreground"
    return ("✓" if agrees else "●"), colour, outcome


class BranchPane(VerticalScroll):
    """Stays at the last line until the user scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.BRANCH]

    def __init__(self, index: int) -> None:
        super().__init__(classes="branch")
        self.index = index
        self._shown: tuple[TurnBranch, tuple[Hit, ...], str | None] | None = None
        self._streamed = Streamed()

    def compose(self) -> ComposeResult:
        """The text."""
        yield self._streamed

    def on_mount(self) -> None:
        """Follow the text, and show what came before there was a place for it."""
        self.anchor()
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Titles are cut to the width."""
        self._titles()

    def show(self, branch: TurnBranch, hits: tuple[Hit, ...], result: str | None) -> None:
        """Draw the branch, if it has changed."""
        if self._shown != (branch, hits, result):
            self._shown = branch, hits, result
            self._draw()

    def action_read(self) -> None:
        """Open the whole text."""
        self.post_message(BranchOpened(self.index))

    def _draw(self) -> None:
        if self._shown is None or not self._streamed.is_attached:
            return
        branch = self._shown[0]
        self._streamed.show(
            branch.thinking, branch.text, branch.thinking_forced, branch.text_forced
        )
        self.set_class(branch.stop is not None, "-ended")
        self._titles()

    def _titles(self) -> None:
        if self._shown is None:
            return
        branch, hits, result = self._shown
        room = max(8, self.outer_size.width - 8)
        mark, colour, words = state(branch, result)
        pace = [f"{branch.tokens:,} tok", formatting.rate(branch.rate)]
        below = " · ".join(part for part in (formatting.shorten(words, room // 2), *pace) if part)
        self.border_title = Content(formatting.shorten(title(branch, hits), room))
        self.border_subtitle = Content.assemble(
            (f"{mark} ", colour), formatting.shorten(below, room)
        )

"""The entries found: how near they are, what they are for, where they come from."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rm_local.records import Hit
from rm_local.tui import formatting, keys
from rm_local.tui.chat_state import HitMarks
from rm_local.tui.messages import HitDropped, HitOpened, HitPinned

BAR = 8
ORIGIN = 19
"""Cells that a hit's origin has at least; more where its subproblem is short."""
ROOMY = 70
"""Cells from which a hit fits on one line with its origin."""


class Hits(OptionList):
    """One hit a line, or two in a narrow panel. Pinned ◆, dropped ✕, carried the answer ✓."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.HITS]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False, compact=True)
        self._hits: tuple[Hit, ...] = ()
        self._marks = HitMarks()
        self._used: tuple[int, ...] = ()

    def show(self, hits: tuple[Hit, ...], marks: HitMarks, used: tuple[int, ...] = ()) -> None:
        """Draw the hits, best first; `used` are the ids of those that carried the answer."""
        listed = marks.listed(hits)
        if (listed, marks, used) == (self._hits, self._marks, self._used):
            return
        kept = self.highlighted or 0
        self._hits, self._marks, self._used = listed, marks, used
        self._draw()
        if listed:
            self.highlighted = min(kept, len(listed) - 1)
        self.refresh_bindings()

    @property
    def chosen(self) -> Hit | None:
        """The hit under the cursor."""
        at = self.highlighted
        return self._hits[at] if at is not None and at < len(self._hits) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys for a hit are there while there is one."""
        if action in ("pin", "drop", "select") and self.chosen is None:
            return False
        return super().check_action(action, parameters)

    def action_pin(self) -> None:
        """Pin the hit under the cursor, or take that back."""
        if self.chosen is not None:
            self.post_message(HitPinned(self.chosen))

    def action_drop(self) -> None:
        """Drop the hit under the cursor, or take that back."""
        if self.chosen is not None:
            self.post_message(HitDropped(self.chosen))

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(HitOpened(self._hits[event.option_index]))

    def on_resize(self, event: Resize) -> None:
        """Lines are laid out for the width."""
        if self._hits:
            kept = self.highlighted
            self._draw()
            self.highlighted = kept

    def _draw(self) -> None:
        width = self.scrollable_content_region.width or self.app.size.width
        lines = [self._line(i, hit, width) for i, hit in enumerate(self._hits)]
        self.set_options([Option(line) for line in lines])
        self.styles.height = len(lines) * (2 if width < ROOMY else 1)

    def _line(self, index: int, hit: Hit, width: int) -> Content:
        number = hit.entry.id
        dropped = number in self._marks.dropped
        full, empty = formatting.bar(hit.similarity, BAR)
        mark, colour = self._mark(number)
        measure = Content.assemble(
            (f"{mark} ", colour),
            (f"{index + 1} ", "$foreground 60%"),
            (full, "$phase-retrieve"),
            (empty, "$foreground 20%"),
            (f" {hit.similarity:.2f}  ", "bold"),
        )
        style = "dim strike" if dropped else ""
        name, origin = formatting.one_line(hit.entry.subproblem), formatting.origin(hit)
        if width < ROOMY:
            where = formatting.shorten(origin, max(0, width - measure.cell_length))
            below = formatting.shorten(name, max(0, width - 4))
            return Content.assemble(measure, (where, "$foreground 60%"), "\n    ", (below, style))
        room = width - measure.cell_length - 2
        least = min(cell_len(origin), ORIGIN)
        where = formatting.shorten(origin, max(least, room - cell_len(name)))
        called = formatting.shorten(name, room - cell_len(where), pad=True)
        return Content.assemble(measure, (called, style), "  ", (where, "$foreground 60%"))

    def _mark(self, number: int) -> tuple[str, str]:
        if number in self._marks.pinned:
            return "◆", "$phase-formulate"
        if number in self._marks.dropped:
            return "✕", "$error"
        return ("✓", "$phase-answer") if number in self._used else (" ", "")

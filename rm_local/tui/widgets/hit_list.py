"""The list of hits: similarity, subproblem and origin."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rm_local.records import EntryKey, Hit
from rm_local.tui import formatting, keys
from rm_local.tui.chat_state import HitMarks
from rm_local.tui.messages import HitDropToggled, HitOpened, HitPinToggled

BAR = 8
ORIGIN = 19
"""Minimum width in cells of a hit's origin; it is wider if the subproblem is short."""
ROOMY = 70
"""Minimum width in cells of a list that shows each hit on one line; else it takes two lines."""


class HitList(OptionList):
    """List of hits: ◆ pinned, ✕ dropped, ✓ used by the answer; two lines per hit if narrow."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.HITS]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False, compact=True)
        self._hits: tuple[Hit, ...] = ()
        self._marks = HitMarks()
        self._used: tuple[EntryKey, ...] = ()

    def show_hits(
        self, hits: tuple[Hit, ...], marks: HitMarks, used: tuple[EntryKey, ...] = ()
    ) -> None:
        """Draw the hits, best first; `used` are the keys of the answer's hints."""
        listed = marks.append_missing_marked_hits(hits)
        if (listed, marks, used) == (self._hits, self._marks, self._used):
            return
        kept = self.highlighted or 0
        self._hits, self._marks, self._used = listed, marks, used
        self._draw_hits()
        if listed:
            self.highlighted = min(kept, len(listed) - 1)
        self.refresh_bindings()

    @property
    def highlighted_hit(self) -> Hit | None:
        """The hit under the cursor; None in an empty list."""
        at = self.highlighted
        return self._hits[at] if at is not None and at < len(self._hits) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable pin, drop and select in an empty list."""
        if action in ("pin", "drop", "select") and self.highlighted_hit is None:
            return False
        return super().check_action(action, parameters)

    def action_pin(self) -> None:
        """Pin or unpin the hit under the cursor."""
        if self.highlighted_hit is not None:
            self.post_message(HitPinToggled(self.highlighted_hit))

    def action_drop(self) -> None:
        """Drop or restore the hit under the cursor."""
        if self.highlighted_hit is not None:
            self.post_message(HitDropToggled(self.highlighted_hit))

    @on(OptionList.OptionSelected)
    def _post_hit_opened(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(HitOpened(self._hits[event.option_index]))

    def on_resize(self, event: Resize) -> None:
        """Lay out the lines for the new width."""
        if self._hits:
            kept = self.highlighted
            self._draw_hits()
            self.highlighted = kept

    def _draw_hits(self) -> None:
        width = self.scrollable_content_region.width or self.app.size.width
        lines = [self._format_line(i, hit, width) for i, hit in enumerate(self._hits)]
        self.set_options([Option(line) for line in lines])
        self.styles.height = len(lines) * (2 if width < ROOMY else 1)

    def _format_line(self, index: int, hit: Hit, width: int) -> Content:
        dropped = hit.key in self._marks.dropped
        full, empty = formatting.format_bar_parts(hit.similarity, BAR)
        mark, color = self._choose_mark_and_color(hit.key)
        measure = Content.assemble(
            (f"{mark} ", color),
            (f"{index + 1} ", "$foreground 60%"),
            (full, "$phase-retrieve"),
            (empty, "$foreground 20%"),
            (f" {hit.similarity:.2f}  ", "bold"),
        )
        style = "dim strike" if dropped else ""
        name, origin = (
            formatting.one_line(hit.entry.subproblem),
            formatting.format_store_domain_and_source(hit),
        )
        if width < ROOMY:
            where = formatting.shorten_text(origin, max(0, width - measure.cell_length))
            below = formatting.shorten_text(name, max(0, width - 4))
            return Content.assemble(measure, (where, "$foreground 60%"), "\n    ", (below, style))
        room = width - measure.cell_length - 2
        least = min(cell_len(origin), ORIGIN)
        where = formatting.shorten_text(origin, max(least, room - cell_len(name)))
        called = formatting.shorten_text(name, room - cell_len(where), pad=True)
        return Content.assemble(measure, (called, style), "  ", (where, "$foreground 60%"))

    def _choose_mark_and_color(self, key: EntryKey) -> tuple[str, str]:
        if key in self._marks.pinned:
            return "◆", "$phase-formulate"
        if key in self._marks.dropped:
            return "✕", "$error"
        return ("✓", "$phase-answer") if key in self._used else (" ", "")

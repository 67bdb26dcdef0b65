"""The widget of all branches: panes side by side, or in a small window a list and one pane."""

from __future__ import annotations

from math import ceil

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rm_local.loop import TurnBranch
from rm_local.records import Hit
from rm_local.tui import formatting
from rm_local.tui.messages import BranchOpened
from rm_local.tui.widgets.branch_pane import (
    BranchPane,
    choose_branch_mark_color_and_words,
    format_branch_hint_title,
)

PANE_WIDTH = 34
PANE_HEIGHT = 6
LIST_SHARE = 0.5
"""Share of the widget's width for the list; the other share is for the open branch."""


class BranchList(Container):
    """Widget of all branches: panes, or a list and one pane, by the available size."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._branches: tuple[TurnBranch, ...] = ()
        self._hits: tuple[Hit, ...] = ()
        self._result: str | None = None
        self._panes: dict[int, BranchPane] = {}
        self._chosen = 0

    def compose(self) -> ComposeResult:
        """Lay out the list and the panes."""
        yield OptionList(id="branch-list", markup=False, compact=True)
        yield Container(id="panes")

    def show_branches(
        self, branches: tuple[TurnBranch, ...], hits: tuple[Hit, ...], result: str | None = None
    ) -> None:
        """Draw the branches; `hits` give the numbers of hints, `result` is the vote's result."""
        fewer = len(branches) < len(self._panes)
        if fewer or (self._branches and branches and branches[0].began != self._branches[0].began):
            self._remove_panes()
        added = len(branches) > len(self._panes)
        self._branches, self._hits, self._result = branches, hits, result
        for branch in branches:
            self._get_or_mount_pane(branch.index).show_branch(branch, hits, result)
        if added or fewer:
            self._arrange_panes()
        self._draw_list_if_shown()

    def on_resize(self, event: Resize) -> None:
        """Arrange panes and list for the new size."""
        self._arrange_panes()
        self._draw_list_if_shown()

    def _remove_panes(self) -> None:
        for pane in self._panes.values():
            pane.remove()
        self._panes, self._chosen = {}, 0

    def _get_or_mount_pane(self, index: int) -> BranchPane:
        if index not in self._panes:
            self._panes[index] = pane = BranchPane(index)
            self.query_one("#panes").mount(pane)
        return self._panes[index]

    def _arrange_panes(self) -> None:
        many = max(1, len(self._panes))
        columns = max(1, min(many, self.size.width // PANE_WIDTH))
        rows = ceil(many / columns)
        columns = ceil(many / rows)
        listed = many > 1 and self.size.height < rows * PANE_HEIGHT
        self.set_class(listed, "-listed")
        panes = self.query_one("#panes")
        panes.styles.grid_size_columns = 1 if listed else columns
        for index, pane in self._panes.items():
            pane.display = not listed or index == self._chosen

    def _draw_list_if_shown(self) -> None:
        if not self.has_class("-listed"):
            return
        branch_list = self.query_one("#branch-list", OptionList)
        width = int(self.size.width * LIST_SHARE) - 2
        lines = [_format_row(branch, self._hits, self._result, width) for branch in self._branches]
        if branch_list.option_count != len(lines):
            branch_list.set_options([Option(line) for line in lines])
            branch_list.highlighted = self._chosen if lines else None
            return
        for at, line in enumerate(lines):
            branch_list.replace_option_prompt_at_index(at, line)

    @on(OptionList.OptionHighlighted, "#branch-list")
    def _show_pane_of_highlighted_branch(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._chosen = event.option_index
        self._arrange_panes()

    @on(OptionList.OptionSelected, "#branch-list")
    def _post_branch_opened(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(BranchOpened(self._branches[event.option_index].index))


def _format_row(
    branch: TurnBranch, hits: tuple[Hit, ...], result: str | None, width: int
) -> Content:
    """Format a branch as a line of the list: `◉ 1 How do I …    312 · 41/s`."""
    mark, color, _ = choose_branch_mark_color_and_words(branch, result)
    pace = f"{branch.tokens:>6,} · {branch.tokens_per_second:.0f}/s"
    name = formatting.shorten_text(
        format_branch_hint_title(branch, hits), width - len(pace) - 3, pad=True
    )
    return Content.assemble((f"{mark} ", color), name, " ", (pace, "$foreground 60%"))

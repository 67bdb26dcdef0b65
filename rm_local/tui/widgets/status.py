"""The status line: model, device, context usage and number of entries."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from rm_local.engine import ModelInfo
from rm_local.tui import formatting
from rm_local.tui.widgets.text_line import TextLine
from rm_local.units import format_count

METER = 5


@dataclass(frozen=True, slots=True)
class StatusValues:
    """The values shown in the status line."""

    share: float = 0.0
    """Share of the model that is loaded so far, 0 to 1; shown while `info` is None."""
    info: ModelInfo | None = None
    failed: bool = False
    plan_mode: str = ""
    """Modes of the next question that differ from the default; empty without a difference."""
    unloaded: str = ""
    """Name of the model if it is unloaded, else empty."""
    entries: int | None = None
    used: int = 0
    """Number of used tokens of the model's context."""


class Status(Horizontal):
    """Line that shows a `StatusValues`; a narrow window cuts its left half."""

    def compose(self) -> ComposeResult:
        """Lay out the left and the right half."""
        yield TextLine(id="status-left")
        yield TextLine(id="status-right")

    def show_status(self, view: StatusValues) -> None:
        """Draw `view`."""
        self.query_one("#status-left", TextLine).set_content(_format_model_half(view))
        self.query_one("#status-right", TextLine).set_content(_format_context_and_entries(view))


def _format_model_half(view: StatusValues) -> Content:
    """Format the left half: the model with its quantisation, modes and device.

    While no model is loaded, its state is shown instead.
    """
    title = Content.styled("rm-local", "bold $primary")
    if view.info is not None:
        info = view.info
        parts = (info.title_with_adapters, info.quantisation, view.plan_mode, info.device)
        model = " · ".join(formatting.one_line(part) for part in parts if part)
        return Content.assemble(title, "  ", (model, "$foreground 60%"))
    if view.failed:
        return Content.assemble(title, "  ", ("no model", "$error"))
    if view.unloaded:
        rests = f"{formatting.one_line(view.unloaded)} · unloaded until the next question"
        return Content.assemble(title, "  ", (rests, "$foreground 60%"))
    full, empty = formatting.format_bar_parts(view.share, METER)
    percent = f" {view.share:.0%}".replace("%", " %")
    return Content.assemble(
        title,
        ("  loading the model ", "$foreground 60%"),
        (full, "$primary"),
        (empty, "$foreground 25%"),
        (percent, "$foreground 60%"),
    )


def _format_context_and_entries(view: StatusValues) -> Content:
    """Format the right half: the used share of the context, and the number of entries."""
    parts = []
    if view.info is not None and view.info.context:
        share = min(1.0, view.used / view.info.context)
        color = "$error" if share > 0.9 else "$warning" if share > 0.7 else "$primary"
        full, empty = formatting.format_bar_parts(share, METER)
        parts.append(
            Content.assemble(
                ("context ", "$foreground 60%"),
                (full, color),
                (empty, "$foreground 25%"),
                (f" {share:.0%}".replace("%", " %"), "$foreground 60%"),
            )
        )
    if view.entries is not None:
        entries = format_count(view.entries, "entry", "entries")
        parts.append(Content.styled(entries, "$foreground 60%"))
    return Content.styled(" · ", "$foreground 40%").join(parts)

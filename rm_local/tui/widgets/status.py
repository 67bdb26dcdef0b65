"""The top line: which model, where it runs, how full the context is, how large the store is."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from rm_local.engine import ModelInfo
from rm_local.tui import formatting
from rm_local.tui.widgets.text_line import Line

METER = 5


@dataclass(frozen=True, slots=True)
class StatusView:
    """What the line shows."""

    share: float = 0.0
    """Of the model's loading, 0 to 1."""
    info: ModelInfo | None = None
    failed: bool = False
    plan_mode: str = ""
    """How the next question is answered, if not in the default way."""
    unloaded: str = ""
    """Name of the model whose memory was given back."""
    entries: int | None = None
    used: int = 0
    """Tokens that the turn takes in the model's context."""


class Status(Horizontal):
    """One line; the right half goes first when the window is narrow."""

    def compose(self) -> ComposeResult:
        """Left and right half."""
        yield Line(id="status-left")
        yield Line(id="status-right")

    def show(self, view: StatusView) -> None:
        """Draw `view`."""
        self.query_one("#status-left", Line).put(_left(view))
        self.query_one("#status-right", Line).put(_right(view))


def _left(view: StatusView) -> Content:
    title = Content.styled("rm-local", "bold $primary")
    if view.info is not None:
        info = view.info
        parts = (info.title, info.quantisation, view.plan_mode, info.device)
        model = " · ".join(formatting.one_line(part) for part in parts if part)
        return Content.assemble(title, "  ", (model, "$foreground 60%"))
    if view.failed:
        return Content.assemble(title, "  ", ("no model", "$error"))
    if view.unloaded:
        rests = f"{formatting.one_line(view.unloaded)} · unloaded until the next question"
        return Content.assemble(title, "  ", (rests, "$foreground 60%"))
    full, empty = formatting.bar(view.share, METER)
    percent = f" {view.share:.0%}".replace("%", " %")
    return Content.assemble(
        title,
        ("  loading the model ", "$foreground 60%"),
        (full, "$primary"),
        (empty, "$foreground 25%"),
        (percent, "$foreground 60%"),
    )


def _right(view: StatusView) -> Content:
    parts = []
    if view.info is not None and view.info.context:
        share = min(1.0, view.used / view.info.context)
        colour = "$error" if share > 0.9 else "$warning" if share > 0.7 else "$primary"
        full, empty = formatting.bar(share, METER)
        parts.append(
            Content.assemble(
                ("context ", "$foreground 60%"),
                (full, colour),
                (empty, "$foreground 25%"),
                (f" {share:.0%}".replace("%", " %"), "$foreground 60%"),
            )
        )
    if view.entries is not None:
        entries = formatting.count(view.entries, "entry", "entries")
        parts.append(Content.styled(entries, "$foreground 60%"))
    return Content.styled(" · ", "$foreground 40%").join(parts)

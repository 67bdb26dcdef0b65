"""The text of the welcome for a user without a model of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from rm_local.tui.formatting import one_line
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.library import FirstSteps


def describe_first_steps(steps: FirstSteps, questions: tuple[str, ...]) -> Content:
    """Describe what the embedded model can do, questions to try, and models to get."""
    lines = [
        Content.assemble((steps.model, "bold"), " ", (steps.about, "$foreground 60%")),
        Content(""),
    ]
    lines += [_format_line("" if number else "Try", q) for number, q in enumerate(questions)]
    if steps.found:
        lines.append(_format_line("You have", ", ".join(map(one_line, steps.found))))
        lines.append(_format_line("", f"rm-local --model {one_line(steps.found[0])}"))
    if steps.suggestion:
        free = f" ({format_bytes(steps.free, 0)} free)" if steps.free else ""
        fits = f"a model of {steps.suggestion.gb:.1f} GB that fits this machine{free}:"
        lines.append(_format_line("Get", fits))
        lines.append(_format_line("", f"rm-local models pull {steps.suggestion.name}"))
    return Content("\n").join(lines)


def _format_line(label: str, text: str) -> Content:
    """Format a line with a label in bold in front; an empty label indents the line."""
    return Content.assemble((f"{label:<11}", "bold"), (text, "$foreground 80%"))

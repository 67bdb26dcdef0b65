"""Names and colours of the phases of a turn: Formulate, Retrieve, Reason and the answer."""

from __future__ import annotations

from textual.content import Content

PHASES = (
    ("Formulate", "$phase-formulate", "the model names the general subproblem in your question"),
    ("Retrieve", "$phase-retrieve", "the store on this disk is searched for ways to solve it"),
    ("Reason", "$phase-reason", "the model thinks on under each of them, side by side"),
    ("Answer", "$phase-answer", "the branches vote; you see which hints carried it"),
)


def describe_phases() -> Content:
    """Return one line for each phase: its name in its colour, and its purpose."""
    lines = [
        Content.assemble((f"{name:<11}", f"bold {color}"), (text, "$foreground 60%"))
        for name, color, text in PHASES
    ]
    return Content("\n").join(lines)

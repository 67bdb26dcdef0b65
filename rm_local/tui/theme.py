"""The app's own two themes, and the colours of the phases for any other Textual theme."""

from __future__ import annotations

from textual.theme import Theme

PHASE_COLORS = {
    "phase-formulate": "#d9b26f",
    "phase-retrieve": "#62b5b0",
    "phase-reason": "#a893dd",
    "phase-answer": "#93c47d",
}

DARK = Theme(
    name="rm-dark",
    dark=True,
    primary="#7fa7d1",
    secondary="#62b5b0",
    accent="#a893dd",
    success="#93c47d",
    warning="#d9b26f",
    error="#e0747c",
    foreground="#d5d8de",
    background="#101217",
    surface="#15181e",
    panel="#1d212a",
    variables={
        **PHASE_COLORS,
        "footer-background": "#15181e",
        "footer-key-foreground": "#7fa7d1",
        "footer-description-foreground": "#8f96a3",
        "block-cursor-background": "#2a303c",
        "block-cursor-foreground": "#eef0f4",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#101217",
        "scrollbar": "#2a303c",
        "scrollbar-background": "#101217",
        "scrollbar-corner-color": "#101217",
    },
)

LIGHT = Theme(
    name="rm-light",
    dark=False,
    primary="#2f5f91",
    secondary="#1f7a75",
    accent="#6a4fb3",
    success="#3d7a2a",
    warning="#946200",
    error="#b3323c",
    foreground="#23272f",
    background="#fafaf8",
    surface="#f1f1ee",
    panel="#e6e6e2",
    variables={
        "phase-formulate": "#946200",
        "phase-retrieve": "#1f7a75",
        "phase-reason": "#6a4fb3",
        "phase-answer": "#3d7a2a",
        "block-cursor-text-style": "none",
    },
)

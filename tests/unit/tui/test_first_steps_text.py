"""The welcome of the app for a user without a model of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rm_local.library.first_steps import ABOUT, QUESTIONS, FirstSteps, suggest_catalog_model
from rm_local.tui.first_steps_text import describe_first_steps

STEPS = FirstSteps("rm-nano", ABOUT["rm-nano"], 8 * 10**9, suggest_catalog_model(8 * 10**9), ())
WIDTH = 70
"""Columns of the welcome in a window of 80."""


@pytest.mark.parametrize(
    "steps",
    [
        STEPS,
        replace(STEPS, found=("qwen3-4b-q4_k_m", "other")),
        replace(STEPS, suggestion=None, free=None),
        replace(STEPS, model="rm-small", about=ABOUT["rm-small"]),
    ],
)
def test_the_text_fits_a_small_window(steps: FirstSteps) -> None:
    """No line is broken at 80 columns, and all is below the phases at 24 rows."""
    lines = describe_first_steps(steps, QUESTIONS).plain.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) <= 10
    assert lines[0].startswith(f"{steps.model} is")


def test_commands_can_be_copied() -> None:
    """The model to get, and the one that is there, with the commands that use them."""
    text = describe_first_steps(replace(STEPS, found=("mine", "other")), QUESTIONS).plain
    assert STEPS.suggestion
    assert f"rm-local models pull {STEPS.suggestion.name}" in text
    assert "mine, other" in text
    assert "rm-local --model mine" in text
    assert all(question in text for question in QUESTIONS)

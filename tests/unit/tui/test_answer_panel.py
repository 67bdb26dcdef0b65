"""How the answer is shown: large where it is a short number, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rm_local.loop.events import Answered
from rm_local.loop.turn import Turn, apply_event, create_initial_turn_state
from rm_local.tui.widgets.answer_panel import (
    format_answer_text_unless_only_result,
    get_short_numeric_result_or_empty,
)
from tests.support import script


def answered(result: str | None, text: str) -> Turn:
    """A turn with this result and text."""
    turn = create_initial_turn_state(script.QUESTION, 0.0)
    for event in script.whole():
        if isinstance(event, Answered):
            event = Answered(replace(event.answer, result=result, text=text))
        turn = apply_event(turn, event, 0.0)
    return turn


@pytest.mark.parametrize("result", ["28", "-3.5", "1,024", "12:45", "40 %"])
def test_a_short_number_is_drawn_large(result: str) -> None:
    """With its sign, point, commas or percent sign."""
    assert get_short_numeric_result_or_empty(answered(result, f"Answer: {result}")) == result


@pytest.mark.parametrize("result", [None, "", "yes", "[1, 2]", "3" * 17, "x+1"])
def test_other_results_are_not_drawn_large(result: str | None) -> None:
    """Words, lists, formulas, long numbers, and no result at all."""
    assert get_short_numeric_result_or_empty(answered(result, "A text.")) == ""


@pytest.mark.parametrize("text", ["28", "Answer: 28", " Answer: 28\n"])
def test_the_result_is_not_repeated_as_text(text: str) -> None:
    """A text that has no more than the result is left out."""
    assert format_answer_text_unless_only_result(answered("28", text)).plain == ""


def test_a_text_with_more_than_the_result_is_shown() -> None:
    """As it is."""
    assert (
        format_answer_text_unless_only_result(answered("28", "The area is 28.")).plain
        == "The area is 28."
    )

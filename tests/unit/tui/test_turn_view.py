"""How a turn is shown: its phases, its place and its pace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rm_local.engine.branches import TokenChunk
from rm_local.loop.events import (
    BranchStarted,
    Event,
    Failed,
    Formulating,
    Prefilling,
)
from rm_local.loop.turn import Turn, apply_event, create_initial_turn_state
from rm_local.tui.turn_view import (
    compute_token_rate,
    derive_phases,
    format_turn_number_and_unusual_parent,
)
from tests.support import script


def after(*events: Event, start: float = 0.0, step: float = 0.0) -> Turn:
    """The turn after the events, each `step` seconds after the one before."""
    turn = create_initial_turn_state(script.QUESTION, start)
    for count, event in enumerate(events, 1):
        turn = apply_event(turn, event, start + count * step)
    return turn


def states(view: Turn, now: float = 0.0) -> list[str]:
    """The phases' states, in their order."""
    return [phase.state for phase in derive_phases(view, now)]


def test_each_phase_runs_while_its_events_come() -> None:
    """One phase runs at a time, those before it are done, those after it wait."""
    formulated, retrieved = script.formulation(), script.retrieval()
    assert states(after(formulated[0])) == ["running", "waiting", "waiting"]
    assert states(after(*formulated)) == ["done", "running", "waiting"]
    assert states(after(*formulated, *retrieved)) == ["done", "done", "running"]
    assert states(after(*script.whole())) == ["done", "done", "done"]


def test_a_plan_without_retrieval_skips_two_phases() -> None:
    """A branch that starts at once leaves Formulate and Retrieve skipped."""
    view = after(BranchStarted(0, None))
    assert states(view) == ["skipped", "skipped", "running"]


def test_times_come_from_the_events_and_the_running_one_from_the_clock() -> None:
    """A done phase keeps its seconds, the running one's grow."""
    view = after(*script.formulation(), start=10.0)
    formulate, retrieve, _ = derive_phases(view, 12.5)
    assert (formulate.seconds, retrieve.seconds) == (0.42, 2.5)


@pytest.mark.parametrize(
    ("number", "follows", "shown"), [(0, 0, ""), (1, 0, "1"), (2, 1, "2"), (2, 0, "2 · alone")]
)
def test_a_turns_place_is_short(number: int, follows: int, shown: str) -> None:
    """What it follows is said only where that is not the turn before."""
    assert (
        format_turn_number_and_unusual_parent(
            replace(create_initial_turn_state("Why?", 0.0), number=number, after=follows)
        )
        == shown
    )


def test_speed_is_tokens_over_the_time_since_the_branch_began() -> None:
    """Ten tokens in two seconds are five a second, for the branch and for all."""
    view = apply_event(after(BranchStarted(0, None)), TokenChunk(0, "thinking", "x", 10), 2.0)
    assert view.branches[0].tokens_per_second == 5.0
    assert compute_token_rate(view, 2.0) == 5.0


def test_phases_that_never_ran_are_halted_by_a_failure() -> None:
    """They do not look as if they were still to come."""
    assert states(after(Formulating(""), Failed("It broke.", "Fix it.", 3))) == ["halted"] * 3


def test_reading_the_prompt_belongs_to_the_first_phase() -> None:
    """It runs while the prompt is read."""
    assert states(after(Prefilling(0.5, 2.0))) == ["running", "waiting", "waiting"]

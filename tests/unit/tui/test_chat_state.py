"""Marks on hits, and the numbers as the app writes them."""

from __future__ import annotations

import pytest

from rm_local.loop.events import Author, Formulated, Formulating
from rm_local.records import EntryKey
from rm_local.tui import formatting
from rm_local.tui.chat_state import ChatState, HitMarks, PendingQuestion
from tests.support.script import HITS


def test_a_mark_is_taken_back_by_the_same_key() -> None:
    """Pinning twice leaves nothing pinned; so with dropping."""
    assert HitMarks().toggle_pin(HITS[0]).toggle_pin(HITS[0]) == HitMarks()
    assert HitMarks().toggle_drop(HITS[0]).toggle_drop(HITS[0]) == HitMarks()


def test_a_hit_is_pinned_or_dropped_never_both() -> None:
    """The later mark holds."""
    marks = HitMarks().toggle_pin(HITS[0]).toggle_drop(HITS[0])
    assert (marks.pinned, marks.dropped) == ({}, {EntryKey("", 17): HITS[0]})
    assert marks.toggle_pin(HITS[0]).dropped == {}


def test_a_dropped_hit_stays_listed_so_that_it_can_be_taken_back() -> None:
    """Marked hits that the last search did not give follow after those that it gave."""
    marks = HitMarks().toggle_drop(HITS[2])
    assert marks.append_missing_marked_hits(HITS[:2]) == HITS
    assert marks.append_missing_marked_hits(HITS) == HITS


def test_the_loop_gets_what_the_user_fixed() -> None:
    """Subproblem, pins and drops become the turn's overrides."""
    steering = PendingQuestion(
        "Why?", "How?", HitMarks().toggle_pin(HITS[0]).toggle_drop(HITS[1])
    ).build_overrides()
    assert steering.subproblem == "How?"
    assert steering.pinned == (HITS[0],)
    assert steering.dropped == frozenset({HITS[1].key})


async def test_stopping_hands_back_what_waited() -> None:
    """The question that waited is not lost, and the control is stopped."""
    state = ChatState()
    control = state.start_turn(PendingQuestion("first"), 0.0)
    assert state.replace_pending_question(PendingQuestion("second")) is None
    assert state.stop_turn_and_take_pending() == PendingQuestion("second")
    assert control.is_stopped
    assert state.pending is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.013, "13 ms"), (0.42, "420 ms"), (3.24, "3.2 s"), (65.2, "1 m 05 s")],
)
def test_seconds_are_shown_in_short_form(value: float | None, text: str) -> None:
    """Milliseconds below a second, minutes above sixty."""
    assert formatting.format_seconds(value) == text


def test_a_bar_is_longer_for_a_nearer_hit() -> None:
    """Filled and empty part make up the width; shares outside 0 to 1 are cut."""
    assert formatting.format_bar_parts(0.75, 8) == ("━━━━━━", "──")
    assert formatting.format_bar_parts(-0.2, 4) == ("", "────")
    assert formatting.format_bar_parts(1.7, 4) == ("━━━━", "")


def test_a_text_is_cut_by_the_cells_it_takes() -> None:
    """A character of two cells counts twice."""
    assert formatting.shorten_text("abcdef", 4) == "abc…"
    assert formatting.shorten_text("漢字漢字", 5) == "漢字…"
    assert formatting.shorten_text("ab", 4, pad=True) == "ab  "


def test_going_again_stays_in_its_place() -> None:
    """A fork of the current turn follows what that follows; the next question follows the fork."""
    state = ChatState()
    state.start_turn(PendingQuestion("Q1"), 0.0)
    state.apply_event_and_set_number(Formulating(""), 0.0, 1)
    state.start_turn(PendingQuestion("Q2"), 0.0)
    state.apply_event_and_set_number(Formulating(""), 0.0, 2)
    again = state.build_retry_question()
    assert again is not None
    assert again.after == 1
    state.start_turn(again, 0.0)
    state.apply_event_and_set_number(Formulating(""), 0.0, 3)
    assert state.lineage == {1, 3}
    state.start_turn(PendingQuestion("Q3"), 0.0)
    assert state.turn is not None
    assert state.turn.after == 3


@pytest.mark.parametrize("author", ["model", "question", "user"])
def test_going_again_keeps_whose_subproblem_it_is(author: Author) -> None:
    """What the user types instead is the user's own."""
    state = ChatState()
    state.start_turn(PendingQuestion("Why?"), now=0.0)
    state.apply_event_and_set_number(Formulated("how to find why", 0.1, author), 0.0, 1)
    again, edited = state.build_retry_question(), state.build_retry_question("how to ask")

    assert again is not None
    assert edited is not None
    assert (again.build_overrides().subproblem, again.build_overrides().author) == (
        "how to find why",
        author,
    )
    assert (edited.build_overrides().subproblem, edited.build_overrides().author) == (
        "how to ask",
        "user",
    )


def test_going_again_formulates_where_that_was_not_finished() -> None:
    """A piece of a subproblem does not count as one."""
    state = ChatState()
    state.start_turn(PendingQuestion("Why?"), now=0.0)
    state.apply_event_and_set_number(Formulating("how to"), 0.0, 1)
    again = state.build_retry_question()

    assert again is not None
    assert again.build_overrides().subproblem is None


def test_going_again_draws_other_branches() -> None:
    """Each time the same question is reasoned on again, its seed is another one."""
    state = ChatState()
    state.start_turn(PendingQuestion("Why?"), now=0.0)
    first = state.build_retry_question("how to find why")
    assert first is not None
    state.start_turn(first, now=1.0)
    second = state.build_retry_question()

    assert second is not None
    assert [first.build_overrides().seed, second.build_overrides().seed] == [1, 2]

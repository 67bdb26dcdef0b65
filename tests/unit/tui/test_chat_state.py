"""Marks on hits, and the numbers as the app writes them."""

from __future__ import annotations

import pytest

from rm_local.loop.events import Formulating
from rm_local.tui import format as fmt
from rm_local.tui.chat_state import Ask, Conversation, Marks
from tests.support.script import HITS


def test_a_mark_is_taken_back_by_the_same_key() -> None:
    """Pinning twice leaves nothing pinned; so with dropping."""
    assert Marks().pin(HITS[0]).pin(HITS[0]) == Marks()
    assert Marks().drop(HITS[0]).drop(HITS[0]) == Marks()


def test_a_hit_is_pinned_or_dropped_never_both() -> None:
    """The later mark holds."""
    marks = Marks().pin(HITS[0]).drop(HITS[0])
    assert (marks.pinned, marks.dropped) == ({}, {17: HITS[0]})
    assert marks.pin(HITS[0]).dropped == {}


def test_a_dropped_hit_stays_listed_so_that_it_can_be_taken_back() -> None:
    """Marked hits that the last search did not give follow behind those that it gave."""
    marks = Marks().drop(HITS[2])
    assert marks.listed(HITS[:2]) == HITS
    assert marks.listed(HITS) == HITS


def test_the_loop_is_told_what_the_user_fixed() -> None:
    """Subproblem, pins and drops become the turn's steering."""
    steering = Ask("Why?", "How?", Marks().pin(HITS[0]).drop(HITS[1])).steering()
    assert steering.subproblem == "How?"
    assert steering.pinned == (HITS[0],)
    assert steering.dropped == frozenset({HITS[1].entry.id})


async def test_stopping_hands_back_what_waited() -> None:
    """The question that waited is not lost, and the control is stopped."""
    talk = Conversation()
    control = talk.begin(Ask("first"), 0.0)
    talk.waiting = Ask("second")
    assert talk.stop() == Ask("second")
    assert control.stopped
    assert talk.waiting is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.013, "13 ms"), (0.42, "420 ms"), (3.24, "3.2 s"), (65.2, "1 m 05 s")],
)
def test_seconds_are_short(value: float | None, text: str) -> None:
    """Milliseconds below a second, minutes above sixty."""
    assert fmt.seconds(value) == text


def test_a_bar_is_longer_for_a_nearer_hit() -> None:
    """Filled and empty part make up the width; shares outside 0 to 1 are cut."""
    assert fmt.bar(0.75, 8) == ("━━━━━━", "──")
    assert fmt.bar(-0.2, 4) == ("", "────")
    assert fmt.bar(1.7, 4) == ("━━━━", "")


def test_a_text_is_cut_by_the_cells_it_takes() -> None:
    """A character of two cells counts twice."""
    assert fmt.shorten("abcdef", 4) == "abc…"
    assert fmt.shorten("漢字漢字", 5) == "漢字…"
    assert fmt.shorten("ab", 4, pad=True) == "ab  "


def test_going_again_stays_in_its_place() -> None:
    """A fork of the current turn follows what that follows; the next question follows the fork."""
    talk = Conversation()
    talk.begin(Ask("Q1"), 0.0)
    talk.take(Formulating(""), 0.0, 1)
    talk.begin(Ask("Q2"), 0.0)
    talk.take(Formulating(""), 0.0, 2)
    again = talk.again()
    assert again is not None
    assert again.after == 1
    talk.begin(again, 0.0)
    talk.take(Formulating(""), 0.0, 3)
    assert talk.behind == {1, 3}
    talk.begin(Ask("Q3"), 0.0)
    assert talk.turn is not None
    assert talk.turn.after == 3


def test_going_again_draws_other_branches() -> None:
    """Each time the same question is reasoned on again, its seed is another one."""
    talk = Conversation()
    talk.begin(Ask("Why?"), now=0.0)
    first = talk.again("how to find why")
    assert first is not None
    talk.begin(first, now=1.0)
    second = talk.again()

    assert second is not None
    assert [first.steering().seed, second.steering().seed] == [1, 2]

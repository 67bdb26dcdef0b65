"""The view of a turn: how events move it on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rm_local.engine.branches import ContextUsage, TokenChunk
from rm_local.loop.events import (
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    Prefilled,
    Prefilling,
)
from rm_local.records import PrefillStats, Trace
from rm_local.tui.turn_view import TurnView, begin, phases, place, rate, reduce, replayed
from tests.support import script


def after(*events: Event, start: float = 0.0, step: float = 0.0) -> TurnView:
    """The view after the events, each `step` seconds after the one before."""
    view = begin(script.QUESTION, start)
    for count, event in enumerate(events, 1):
        view = reduce(view, event, start + count * step)
    return view


def states(view: TurnView, now: float = 0.0) -> list[str]:
    """The phases' states, in their order."""
    return [phase.state for phase in phases(view, now)]


def test_the_subproblem_grows_and_is_then_replaced_by_what_stands() -> None:
    """Pieces are joined; the final subproblem need not be their sum."""
    view = after(Formulating(""), Formulating("How do"), Formulating(" I"))
    assert view.subproblem == "How do I"
    assert reduce(view, Formulated("How do I add?", 0.5), 1.0).subproblem == "How do I add?"


def test_how_far_the_prompt_is_read_is_shown_until_the_model_writes() -> None:
    """The last that was told; nothing once the first piece has come."""
    view = after(Prefilling(0.25, 3.0), Prefilling(0.5, 2.0))
    assert view.prefilling == Prefilling(0.5, 2.0)
    assert states(view) == ["running", "waiting", "waiting"]
    assert reduce(view, Formulating(""), 1.0).prefilling is None


def test_each_phase_runs_while_its_events_come() -> None:
    """One phase runs at a time, those before it are done, those behind it wait."""
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
    formulate, retrieve, _ = phases(view, 12.5)
    assert (formulate.seconds, retrieve.seconds) == (0.42, 2.5)


def test_branches_keep_their_order_and_their_own_text() -> None:
    """Tokens of several branches may come in any order."""
    hit = script.HITS[0]
    view = after(
        BranchStarted(1, hit),
        BranchStarted(0, hit),
        TokenChunk(1, "thinking", "b", 1),
        TokenChunk(0, "thinking", "a", 1),
        TokenChunk(1, "answer", "c", 2),
    )
    assert [(b.index, b.thinking, b.text) for b in view.branches] == [(0, "a", ""), (1, "b", "c")]
    assert view.tokens == 3


def test_what_was_read_is_kept_with_the_turn() -> None:
    """From the event, and from a saved trace; so are its number and what it follows."""
    reading = PrefillStats(40, 12, 0, 90, 0.25, 0.5, 0.75)
    assert after(Prefilled(reading)).reading == reading
    saved = Trace(script.QUESTION, "memory", reading=reading, number=3, after=1)
    assert (replayed(saved).reading, place(replayed(saved))) == (reading, "3 · after 1")


@pytest.mark.parametrize(
    ("number", "follows", "told"), [(0, 0, ""), (1, 0, "1"), (2, 1, "2"), (2, 0, "2 · alone")]
)
def test_a_turns_place_is_short(number: int, follows: int, told: str) -> None:
    """What it follows is said only where that is not the turn before."""
    assert place(replace(begin("Why?", 0.0), number=number, after=follows)) == told


def test_speed_is_tokens_over_the_time_since_the_branch_began() -> None:
    """Ten tokens in two seconds are five a second, for the branch and for all."""
    view = reduce(after(BranchStarted(0, None)), TokenChunk(0, "thinking", "x", 10), 2.0)
    assert view.branches[0].rate == 5.0
    assert rate(view, 2.0) == 5.0


def test_a_stopped_turn_without_an_answer_keeps_its_branches() -> None:
    """What had been written stays, and every branch that ran counts as cancelled."""
    stop = Failed("Stopped before there was an answer.", "", 130)
    view = after(*script.formulation(), *script.retrieval(), *script.reasoning(), stop)
    assert view.stage == "stopped"
    assert view.stopped
    assert {b.stop for b in view.branches} == {"cancelled"}
    assert all(b.thinking for b in view.branches)


def test_a_stopped_turn_with_an_answer_says_both() -> None:
    """One branch was done before the stop: there is an answer, and it was stopped."""
    view = after(*script.formulation(), *script.retrieval(), *script.reasoning(), *script.halted())
    assert view.stage == "answered"
    assert view.stopped


def test_a_failure_is_no_stop() -> None:
    """Message and remedy are kept; phases that never ran are halted, not running."""
    view = after(Formulating(""), Failed("It broke.", "Mend it.", 3))
    assert (view.stage, view.message, view.remedy) == ("failed", "It broke.", "Mend it.")
    assert not view.stopped
    assert not view.running
    assert states(view) == ["halted", "halted", "halted"]


def test_what_can_be_copied_is_the_answer_or_what_the_branches_said() -> None:
    """A turn that was stopped still gives what was said."""
    assert after(*script.whole()).answer_text == script.SAYINGS[0]
    cut = after(BranchStarted(0, None), TokenChunk(0, "answer", "It is 19", 3))
    assert cut.answer_text == "It is 19"


def test_the_context_is_as_full_as_the_engine_says() -> None:
    """The last count stands, through all that follows; before the first there is none."""
    assert after(Formulating("How")).used == 0
    view = after(ContextUsage(300, 200, 4096), BranchStarted(0, None), ContextUsage(350, 210, 4096))
    assert reduce(view, TokenChunk(0, "thinking", "abcd", 2), 0.0).used == 350


def test_a_saved_turn_looks_as_it_ended() -> None:
    """A trace gives the same hits, branches and answer."""
    ends = tuple(script.finished(i).branch for i in range(3))
    answer = script.answer(2, 3).answer
    view = replayed(Trace(script.QUESTION, "memory", script.SUBPROBLEM, script.HITS, ends, answer))
    assert (view.stage, view.hits, view.answer) == ("answered", script.HITS, answer)
    assert [b.result for b in view.branches] == ["19/12", "19/12", "4/5"]
    failed = replayed(Trace(script.QUESTION, "memory", failure="It broke."))
    assert (failed.stage, failed.message) == ("failed", "It broke.")

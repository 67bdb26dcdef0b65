"""The fold of a turn's events into its state."""

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
    GateDecided,
    HitJudgement,
    HitsJudged,
    ModelLoading,
    ModelUnloaded,
    Notice,
    Prefilled,
    Prefilling,
    Retrieved,
)
from rm_local.loop.turn import (
    Turn,
    apply_event,
    create_initial_turn_state,
    mark_turn_interrupted_if_in_progress,
)
from rm_local.records import PrefillStats
from tests.support import script
from tests.support.fakes import hit


def after(*events: Event, start: float = 0.0, step: float = 0.0) -> Turn:
    """The turn after the events, each `step` seconds after the one before."""
    turn = create_initial_turn_state(script.QUESTION, start)
    for count, event in enumerate(events, 1):
        turn = apply_event(turn, event, start + count * step)
    return turn


def judged(*kept: bool) -> HitsJudged:
    """The model's judgements of hits 1, 2 and so on."""
    judgements = (HitJudgement(id, 0.9 if each else 0.1, each) for id, each in enumerate(kept, 1))
    return HitsJudged(tuple(judgements), 0.2)


def test_the_subproblem_grows_and_is_then_replaced_by_what_stands() -> None:
    """Pieces are joined; the final subproblem need not be their sum."""
    view = after(Formulating(""), Formulating("How do"), Formulating(" I"))
    assert view.subproblem == "How do I"
    assert apply_event(view, Formulated("How do I add?", 0.5), 1.0).subproblem == "How do I add?"


def test_how_far_the_prompt_is_read_is_shown_until_the_model_writes() -> None:
    """The last that was reported; nothing once the first piece has come."""
    view = after(Prefilling(0.25, 3.0), Prefilling(0.5, 2.0))
    assert view.prefilling == Prefilling(0.5, 2.0)
    assert apply_event(view, Formulating(""), 1.0).prefilling is None


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
    """As the event says it."""
    reading = PrefillStats(40, 12, 0, 90, 0.25, 0.5, 0.75)
    assert after(Prefilled(reading)).reading == reading


def test_a_stopped_turn_without_an_answer_keeps_its_branches() -> None:
    """What had been written stays, and every branch that ran counts as cancelled."""
    stop = Failed("Stopped before there was an answer.", "", 130)
    view = after(*script.formulation(), *script.retrieval(), *script.reasoning(), stop)
    assert view.stage == "stopped"
    assert view.was_stopped
    assert {b.stop for b in view.branches} == {"cancelled"}
    assert all(b.thinking for b in view.branches)


def test_a_stopped_turn_with_an_answer_says_both() -> None:
    """One branch was done before the stop: there is an answer, and it was stopped."""
    view = after(*script.formulation(), *script.retrieval(), *script.reasoning(), *script.halted())
    assert view.stage == "answered"
    assert view.was_stopped


def test_a_failure_is_no_stop() -> None:
    """Message and remedy are kept; phases that never ran are halted, not running."""
    view = after(Formulating(""), Failed("It broke.", "Mend it.", 3))
    assert (view.stage, view.message, view.remedy) == ("failed", "It broke.", "Mend it.")
    assert not view.was_stopped
    assert not view.is_in_progress


def test_what_can_be_copied_is_the_answer_or_what_the_branches_said() -> None:
    """A turn that was stopped still gives what was said."""
    assert after(*script.whole()).answer_or_branch_texts == script.SAYINGS[0]
    cut = after(BranchStarted(0, None), TokenChunk(0, "answer", "It is 19", 3))
    assert cut.answer_or_branch_texts == "It is 19"


def test_the_context_is_as_full_as_the_engine_says() -> None:
    """The last count stands, through all that follows; before the first there is none."""
    assert after(Formulating("How")).context_used == 0
    view = after(ContextUsage(300, 200, 4096), BranchStarted(0, None), ContextUsage(350, 210, 4096))
    assert apply_event(view, TokenChunk(0, "thinking", "abcd", 2), 0.0).context_used == 350


def test_what_happens_to_the_model_leaves_the_turn_as_it_was() -> None:
    """Loading, unloading and notices are in the stream, but in no turn."""
    turn = after(*script.formulation())
    for event in (ModelLoading(0.5), ModelUnloaded(), Notice("The context is smaller.")):
        assert apply_event(turn, event, 9.0) == turn


def test_a_finished_branch_is_the_record_that_it_ended_with() -> None:
    """Every field of the record comes back."""
    finished = script.finished(1)
    (branch,) = after(BranchStarted(1, script.HITS[1], 1), finished).branches
    assert branch.to_record() == finished.branch


def test_a_turn_without_an_end_is_interrupted() -> None:
    """Its running branches count as cancelled; a turn that has ended stays as it was."""
    turn = mark_turn_interrupted_if_in_progress(
        after(BranchStarted(0, None), TokenChunk(0, "answer", "It is", 2)), "Cut short."
    )
    assert (turn.stage, turn.failure, turn.branches[0].stop) == (
        "stopped",
        "Cut short.",
        "cancelled",
    )
    assert (
        mark_turn_interrupted_if_in_progress(after(Formulating("")), "Cut short.").stage == "failed"
    )
    whole = after(*script.whole())
    assert mark_turn_interrupted_if_in_progress(whole, "Cut short.") is whole


def test_judgements_are_kept_with_the_turn() -> None:
    """Also those of hits that have left it."""
    event = judged(True, False)
    turn = after(Retrieved((hit(1), hit(2)), 0.1), event)
    assert turn.judgements == event.judgements
    assert [each.entry.id for each in turn.hits] == [1]


def test_the_fold_changes_no_earlier_state() -> None:
    """Each state can be kept and compared; applying the same events again gives the same turn."""
    states = [create_initial_turn_state(script.QUESTION, 0.0)]
    for event in script.whole():
        states.append(apply_event(states[-1], event, 0.0))
    assert states[0] == create_initial_turn_state(script.QUESTION, 0.0)
    assert states[-1] == after(*script.whole())
    assert replace(states[-1]) == states[-1]


@pytest.mark.parametrize(
    ("events", "summary"),
    [
        ([], ""),
        ([GateDecided(True, "fits")], ""),
        ([GateDecided(False, "nothing_fits")], "nothing fits"),
        ([GateDecided(False, "forced")], "not asked"),
        ([GateDecided(True, "fits"), Retrieved((hit(1), hit(2)), 0.1)], "2 hits"),
        ([Retrieved((hit(1),), 0.1)], "1 hit"),
        ([Retrieved((), 0.1)], "nothing fits"),
        ([Retrieved((hit(1), hit(2)), 0.1), judged(True, False)], "1 hit"),
        ([Retrieved((hit(1), hit(2)), 0.1), judged(False, False)], "none of 2 hits kept"),
        ([Retrieved((hit(1),), 0.1), judged(False)], "the one hit not kept"),
    ],
)
def test_a_turn_says_what_memory_did(events: list[Event], summary: str) -> None:
    """In the words that every face shows."""
    turn = create_initial_turn_state("What?", 0.0)
    for event in events:
        turn = apply_event(turn, event, 1.0)

    assert turn.hits_summary == summary

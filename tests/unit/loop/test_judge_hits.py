"""The model judges hits before they are used, where the plan asks it to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import HitsJudged, event_as_json, event_from_json
from rm_local.loop.judge_hits import compute_yes_probability
from rm_local.loop.plan import Plan
from rm_local.loop.prompts import JUDGE
from rm_local.loop.turn import apply_event, create_initial_turn_state
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import INFO, Begins, FakeEngine, Step, hit, sampled_tokens, say
from tests.support.turns import QUESTION, WAVES, answer_of, events_of, hints_of, of

PLAN = replace(WAVES, judge="model")
YES, NO = Begins({"Yes": 0.8, " no": 0.1}), Begins({" No": 0.6, "yes": 0.3})
SILENT = Begins({"Well": 0.9})


def engine_of(*verdicts: Step, thinks: bool = True) -> FakeEngine:
    """An engine that judges the hits so, then answers."""
    said: list[Sequence[Step]] = [[verdict] for verdict in verdicts]
    answers: list[Sequence[Step]] = [[say("Answer: 8")]] * 6
    return FakeEngine(branches=said + answers, info=replace(INFO, thinks=thinks))


async def judged(engine: FakeEngine, plan: Plan = PLAN) -> list[tuple[int, bool]]:
    """What became of each hit."""
    (event,) = of(HitsJudged, await events_of(engine, plan))
    assert isinstance(event, HitsJudged)
    return [(each.id, each.kept) for each in event.judgements]


async def test_hits_that_do_not_help_get_no_branch() -> None:
    """Yes is at least as likely as no of those that stay."""
    engine = engine_of(YES, NO, YES)
    events = await events_of(engine, PLAN)

    assert set(hints_of(events)) == {1, 3}
    assert answer_of(events).result == "8"


async def test_each_hit_is_judged_by_one_token_in_one_batch() -> None:
    """Over the same prompt, with the question whether it helps after the hint."""
    engine = engine_of(YES, YES, YES)
    await events_of(engine, PLAN)
    specs = engine.grown[1]

    assert [spec.max_tokens for spec in specs] == [1, 1, 1]
    assert all(JUDGE in spec.forced and not spec.note for spec in specs)


async def test_a_model_that_does_not_think_is_asked_in_the_users_message() -> None:
    """Nothing is put in front of what it says."""
    engine = engine_of(YES, NO, NO, thinks=False)
    await events_of(engine, PLAN)
    judges = next(specs for specs in engine.grown if JUDGE in specs[0].note)

    assert [spec.forced for spec in judges] == ["", "", ""]


async def test_without_a_verdict_a_hit_stays() -> None:
    """A model that says neither is no reason to leave a hit out."""
    assert await judged(engine_of(SILENT, NO, YES)) == [(1, True), (2, False), (3, True)]


async def test_when_no_hit_is_left_the_model_answers_by_itself() -> None:
    """As where nothing was found."""
    engine = engine_of(NO, NO, NO)
    events = await events_of(engine, PLAN)

    assert hints_of(events) == [None]
    assert answer_of(events).branches == 1


async def test_a_pinned_hit_stays() -> None:
    """It is the user's own choice."""
    pinned = hit(9, 0.1)
    steering = TurnOverrides(pinned=(pinned,))
    events = await events_of(engine_of(NO, NO, NO), PLAN, FakeRecall([hit(1)]), steering=steering)

    assert set(hints_of(events)) == {9}


async def test_nobody_judges_by_default() -> None:
    """No branch is grown for it."""
    events = await events_of(engine_of(), WAVES)

    assert of(HitsJudged, events) == []


def test_a_verdict_is_yes_against_no() -> None:
    """Over all the ways in which the model may write either; nothing else counts."""
    first = [Begins({"Yes": 0.3, " yes": 0.1, "No": 0.1, "Maybe": 0.5}), SILENT]
    shares = [
        compute_yes_probability(sampled)
        for sampled in (sampled_tokens(each.words)[0] for each in first)
    ]

    assert shares == [pytest.approx(0.8), None]


async def test_the_event_comes_back_from_json_and_thins_the_turns_hits() -> None:
    """What is saved is what happened."""
    events = await events_of(engine_of(NO, YES, YES), PLAN)
    (event,) = of(HitsJudged, events)
    turn = create_initial_turn_state(QUESTION, 0.0)
    for each in events:
        turn = apply_event(turn, each, 1.0)

    assert event_from_json(event_as_json(event)) == event
    assert [h.entry.id for h in turn.hits] == [2, 3]

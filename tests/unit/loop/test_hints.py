"""What a turn searches for and what it finds: its subproblem, its hits, their hints."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rm_local.loop import prompts
from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import Formulated, Formulating, Retrieved
from rm_local.loop.plan import PLANS
from rm_local.records import EntryKey
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    INFO,
    SUBPROBLEM,
    FakeEngine,
    Step,
    hit,
    say,
    think,
)
from tests.support.turns import MEMORY, answer_of, events_of, of, subproblem_of


async def test_only_the_first_sentence_is_the_subproblem() -> None:
    """The model is stopped after it, and what it wrote more is not shown."""
    never = asyncio.Event()
    engine = FakeEngine(
        formulation=[think(' "How do I'), think(' add?" The'), think(" next"), never]
    )
    events = await events_of(engine)

    assert subproblem_of(events).subproblem == "How do I add?"
    assert subproblem_of(events).author == "model"
    assert of(Formulating, events) == [
        Formulating(""),
        Formulating(' "How do I'),
        Formulating(' add?" The'),
    ]


@pytest.mark.parametrize(
    "script",
    [[], [think(" \n")], [say("The answer is 8.")], [think('"..."'), say("8")]],
    ids=["nothing", "blanks", "closed its thinking", "no words"],
)
async def test_the_question_stands_in_for_a_missing_subproblem(script: list[Step]) -> None:
    """Without its numbers, and the event says so."""
    events = await events_of(FakeEngine(formulation=script), question="  Add 4\nand 4! ")

    assert subproblem_of(events).subproblem == "Add and !"
    assert subproblem_of(events).author == "question"
    assert answer_of(events).result == "8"


async def test_a_model_that_does_not_think_names_the_subproblem_all_the_same() -> None:
    """All that it writes is its answer, so that is where the subproblem is."""
    engine = FakeEngine(formulation=[say(" How to add?")], info=replace(INFO, thinks=False))

    assert subproblem_of(await events_of(engine)).subproblem == "How to add?"


async def test_a_subproblem_of_the_users_own_is_taken() -> None:
    """Nothing is formulated, and the search is for that."""
    recall = FakeRecall()
    events = await events_of(
        FakeEngine(), recall=recall, steering=TurnOverrides(subproblem=" How to\nmultiply? ")
    )

    assert of(Formulated, events)[0] == Formulated("How to multiply?", 0.0, "user")
    assert recall.asked == ["How to multiply?"]


async def test_pinned_hits_come_first_and_dropped_ones_are_out() -> None:
    """What is dropped makes room for the next; a pinned hit that is found again is there once."""
    pinned = hit(9, 0.1)
    recall = FakeRecall([hit(i, 1 - i / 10) for i in range(1, 6)])
    steering = TurnOverrides(pinned=(pinned, hit(2, 0.8)), dropped=frozenset({EntryKey("", 1)}))
    events = await events_of(FakeEngine(), recall=recall, steering=steering)
    (found,) = of(Retrieved, events)

    assert isinstance(found, Retrieved)
    assert [h.entry.id for h in found.hits] == [9, 2, 3]


async def test_equal_ids_of_two_stores_are_two_entries() -> None:
    """A pin or a drop is of one of them; without a store's name it is of each."""
    own, shipped = (replace(hit(1, 0.9), store=name) for name in ("own", "shipped"))
    recall = FakeRecall([own, shipped, replace(hit(2, 0.8), store="own")])

    async def find(steering: TurnOverrides) -> list[str]:
        (found,) = of(Retrieved, await events_of(FakeEngine(), recall=recall, steering=steering))
        assert isinstance(found, Retrieved)
        return [str(each.key) for each in found.hits]

    assert await find(TurnOverrides(dropped=frozenset({own.key}))) == ["shipped:1", "own:2"]
    assert await find(TurnOverrides(dropped=frozenset({EntryKey("", 1)}))) == ["own:2"]
    assert await find(TurnOverrides(pinned=(shipped,))) == ["shipped:1", "own:1", "own:2"]


async def test_a_hit_pinned_before_there_was_a_second_store_is_there_once() -> None:
    """It has no store's name yet, and the search now finds it with one."""
    recall = FakeRecall([replace(hit(i, 1 - i / 10), store="shipped") for i in (1, 2)])
    steering = TurnOverrides(pinned=(hit(2, 0.8),))
    (found,) = of(Retrieved, await events_of(FakeEngine(), recall=recall, steering=steering))

    assert isinstance(found, Retrieved)
    assert [str(each.key) for each in found.hits] == ["2", "shipped:1"]


async def test_the_answer_names_the_stores_of_its_hints() -> None:
    """Ids as before, and the stores next to them."""
    recall = FakeRecall([replace(hit(1, 0.9), store=name) for name in ("own", "shipped")])
    answer = answer_of(await events_of(FakeEngine(), recall=recall))

    assert answer.hints == (1, 1)
    assert sorted(answer.hint_stores) == ["own", "shipped"]
    assert {str(key) for key in answer.hint_keys} == {"own:1", "shipped:1"}


async def test_nothing_found_means_no_hint() -> None:
    """Where the gate is open: the cue and the subproblem stay, the answer names no entries."""
    engine = FakeEngine()
    plan = replace(MEMORY, question_gate="open", min_similarity=0.3)
    events = await events_of(engine, plan, FakeRecall([hit(1, 0.1)]))

    assert of(Retrieved, events) == [Retrieved((), pytest.approx(0, abs=5))]  # type: ignore[arg-type]
    assert {spec.forced for spec in engine.grown[1]} == {
        prompts.format_reasoning_cue(SUBPROBLEM, None)
    }
    assert len(engine.grown[1]) == 6
    assert answer_of(events).hints == ()


async def test_random_hints_follow_the_seed() -> None:
    """The control draws its hints by the turn's seed."""
    events = await events_of(FakeEngine(), PLANS["random-hints"], steering=TurnOverrides(seed=1))
    (drawn,) = of(Retrieved, events)

    assert isinstance(drawn, Retrieved)
    assert [h.entry.id for h in drawn.hits] == [2, 3, 1]


async def test_fewer_samples_than_hints_take_the_best_hints() -> None:
    """One sample reasons under the first hit alone."""
    engine = FakeEngine()
    events = await events_of(engine, replace(MEMORY, samples=1))

    assert len(engine.grown[1]) == 1
    assert answer_of(events).hints == (1,)

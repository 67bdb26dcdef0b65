"""A whole turn over a scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rm_local.engine.protocol import Message, Sampling
from rm_local.errors import ContextOverflow, StoreInvalid
from rm_local.loop import prompts
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    Retrieved,
    Token,
)
from rm_local.loop.plan import PLANS, Plan
from rm_local.loop.solve import Control, Steering, solve
from rm_local.records import Answer, Branch
from tests.fakes import (
    INFO,
    SUBPROBLEM,
    FakeEngine,
    FakeRecall,
    Step,
    died,
    hit,
    say,
    think,
)

MEMORY = replace(PLANS["memory"], samples=6, hints=3, keep=4)
INFO_PATH = Path(INFO.path)
QUESTION = "What is 4 + 4?"


async def events_of(
    engine: FakeEngine,
    plan: Plan = MEMORY,
    recall: FakeRecall | None = None,
    question: str = QUESTION,
    steering: Steering | None = None,
    control: Control | None = None,
) -> list[Event]:
    """All events of a turn."""
    await engine.load(INFO_PATH)
    recall = recall or FakeRecall()
    steering = steering or Steering()
    turn = solve(question, plan, engine, recall, steering=steering, control=control)
    return [event async for event in turn]


def of(kind: type, events: list[Event]) -> list[Event]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def answer_of(events: list[Event]) -> Answer:
    """The answer that ends the turn."""
    assert isinstance(events[-1], Answered), events[-1]
    return events[-1].answer


def failure_of(events: list[Event]) -> Failed:
    """The failure that ends the turn."""
    assert isinstance(events[-1], Failed), events[-1]
    return events[-1]


def branches_of(events: list[Event]) -> list[Branch]:
    """The branches by index."""
    done = [event.branch for event in events if isinstance(event, BranchFinished)]
    return sorted(done, key=lambda branch: branch.index)


def subproblem_of(events: list[Event]) -> Formulated:
    """The one subproblem of the turn."""
    (named,) = (event for event in events if isinstance(event, Formulated))
    return named


async def test_a_turn_goes_through_its_phases_in_order() -> None:
    """Formulate, retrieve, reason, answer: the kinds of events never mix."""
    engine = FakeEngine()
    events = await events_of(engine)
    kinds = list(dict.fromkeys(event.event for event in events))

    assert kinds == [
        "formulating",
        "formulated",
        "retrieved",
        "branch_started",
        "token",
        "branch_finished",
        "answered",
    ]
    assert events[0] == Formulating("")
    assert subproblem_of(events).subproblem == SUBPROBLEM
    assert engine.turns == [(Message("user", QUESTION),)]


async def test_every_hint_gets_its_branches_in_the_order_of_rank() -> None:
    """Six samples under three hints are two each, word for word in the paper's frame."""
    engine = FakeEngine()
    events = await events_of(engine)
    specs = engine.grown[1]
    started = [e for e in events if isinstance(e, BranchStarted)]

    assert [e.hint and e.hint.entry.id for e in started] == [1, 1, 2, 2, 3, 3]
    first = hit(1, 0.9).entry
    assert specs[0].forced == prompts.reasoning(
        SUBPROBLEM, prompts.hint(first.subproblem, first.subroutine)
    )
    assert specs[0].forced.startswith(prompts.CUE)
    assert specs[0].forced.endswith(f"[end of hint]\n{prompts.OKAY}")


async def test_the_vote_decides_and_says_what_carried_it() -> None:
    """Two thirds say 8: the hints they had, the branches that agreed, the tokens of all."""
    engine = FakeEngine()
    events = await events_of(engine, replace(MEMORY, keep=0))
    answer = answer_of(events)
    written = sum(branch.tokens for branch in branches_of(events))

    assert (answer.result, answer.agreed, answer.branches) == ("8", 4, 6)
    assert answer.hints == (1, 2, 3)
    assert answer.text == "Answer: 8"
    assert answer.tokens == written + len(SUBPROBLEM.split())


async def test_branches_that_cannot_matter_are_ended() -> None:
    """Once three of four kept branches agree, the others are outvoted."""
    never = asyncio.Event()
    scripts: list[list[Step]] = [[think("quick"), say("Answer: 8")] for _ in range(3)]
    scripts += [[think("a very long and winding way"), never] for _ in range(3)]
    events = await events_of(FakeEngine(branches=scripts))

    assert answer_of(events).result == "8"
    assert [b.stop for b in branches_of(events)] == ["end"] * 3 + ["outvoted"] * 3


async def test_seeds_differ_and_come_again() -> None:
    """The same seed draws the same turn; no two branches share one, nor do two turns."""
    first, again, other = FakeEngine(), FakeEngine(), FakeEngine()
    for engine, seed in ((first, 1), (again, 1), (other, 2)):
        await events_of(engine, steering=Steering(seed=seed))
    seeds = [[s.seed for specs in e.grown for s in specs] for e in (first, again, other)]

    assert seeds[0] == seeds[1]
    assert len(set(seeds[0] + seeds[2])) == 14


@pytest.mark.parametrize(
    ("temperature", "expected"), [(None, Sampling(0.7, 0.95)), (0.0, Sampling(0.0, 0.95))]
)
async def test_the_files_recommendation_goes_before_the_plan(
    temperature: float | None, expected: Sampling
) -> None:
    """A temperature of 0 is a recommendation too."""
    engine = FakeEngine(info=replace(INFO, temperature=temperature))
    await events_of(engine)

    assert {spec.sampling for specs in engine.grown for spec in specs} == {expected}


async def test_no_branch_may_write_more_than_the_context_leaves() -> None:
    """The plan's budget, cut to what is left behind the prompt."""
    engine = FakeEngine(info=replace(INFO, context=120), prompt_tokens=20)
    await events_of(engine)

    assert {spec.max_tokens for spec in engine.grown[1]} == {100}


async def test_only_the_first_sentence_is_the_subproblem() -> None:
    """The model is stopped behind it, and what it wrote more is not shown."""
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
    """And the event says so."""
    events = await events_of(FakeEngine(formulation=script), question="  Add 4\nand 4! ")

    assert subproblem_of(events).subproblem == "Add 4 and 4!"
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
        FakeEngine(), recall=recall, steering=Steering(subproblem=" How to\nmultiply? ")
    )

    assert events[0] == Formulated("How to multiply?", 0.0, "user")
    assert recall.asked == ["How to multiply?"]


async def test_pinned_hits_come_first_and_dropped_ones_are_out() -> None:
    """What is dropped makes room for the next; a pinned hit that is found again is there once."""
    pinned = hit(9, 0.1)
    recall = FakeRecall([hit(i, 1 - i / 10) for i in range(1, 6)])
    steering = Steering(pinned=(pinned, hit(2, 0.8)), dropped=frozenset({1}))
    events = await events_of(FakeEngine(), recall=recall, steering=steering)
    (found,) = of(Retrieved, events)

    assert isinstance(found, Retrieved)
    assert [h.entry.id for h in found.hits] == [9, 2, 3]


async def test_nothing_found_means_no_hint() -> None:
    """The cue and the subproblem stay, and the answer names no entries."""
    engine = FakeEngine()
    events = await events_of(engine, recall=FakeRecall([hit(1, 0.1)]))

    assert of(Retrieved, events) == [Retrieved((), pytest.approx(0, abs=5))]  # type: ignore[arg-type]
    assert {spec.forced for spec in engine.grown[1]} == {prompts.reasoning(SUBPROBLEM, None)}
    assert len(engine.grown[1]) == 6
    assert answer_of(events).hints == ()


@pytest.mark.parametrize(
    ("plan", "kinds", "forced"),
    [
        ("none", set(), ""),
        ("length", set(), ""),
        ("cue", {Formulated}, prompts.reasoning(SUBPROBLEM, None)),
        ("random", {Formulated, Retrieved}, None),
    ],
)
async def test_a_baseline_is_a_plan(plan: str, kinds: set[type], forced: str | None) -> None:
    """Each leaves out, or changes, what its name says; a store is opened for none but random."""
    engine = FakeEngine()
    events = await events_of(engine, PLANS[plan])
    phases = {type(event) for event in events} & {Formulated, Retrieved}

    assert phases == kinds
    assert forced is None or {spec.forced for spec in engine.grown[-1]} == {forced}
    assert len(engine.grown[-1]) == PLANS[plan].samples
    assert answer_of(events).result == "8"


async def test_random_hints_follow_the_seed() -> None:
    """The control draws its hints by the turn's seed."""
    events = await events_of(FakeEngine(), PLANS["random"], steering=Steering(seed=1))
    (drawn,) = of(Retrieved, events)

    assert isinstance(drawn, Retrieved)
    assert [h.entry.id for h in drawn.hits] == [2, 3, 1]


async def test_fewer_samples_than_hints_take_the_best_hints() -> None:
    """One sample reasons under the first hit alone."""
    engine = FakeEngine()
    events = await events_of(engine, replace(MEMORY, samples=1))

    assert len(engine.grown[1]) == 1
    assert answer_of(events).hints == (1,)


async def test_a_text_without_an_answer_is_an_answer() -> None:
    """A greeting is shown as it is."""
    hello = [[think("No sum."), say("Hello, I add numbers.")]]
    answer = answer_of(await events_of(FakeEngine(branches=hello)))

    assert (answer.text, answer.result, answer.agreed) == ("Hello, I add numbers.", None, 6)


async def test_branches_that_never_leave_their_thinking_fail_the_turn() -> None:
    """Nobody is shown an empty answer."""
    failure = failure_of(await events_of(FakeEngine(branches=[[think("Hm.")]])))

    assert failure.exit_code == 1
    assert "budget" in failure.message


async def test_a_branch_keeps_thinking_and_answer_apart() -> None:
    """Pieces add up to the branch's two texts, and tokens only grow."""
    events = await events_of(FakeEngine(), PLANS["none"])
    (branch,) = branches_of(events)
    tokens = [event.tokens for event in events if isinstance(event, Token)]

    assert (branch.thinking, branch.text) == ("4 and 4 make 8.", "Answer: 8")
    assert tokens == sorted(tokens)
    assert branch.tokens == tokens[-1]


@pytest.mark.parametrize("question", ["", " \n\t"])
async def test_an_empty_question_is_a_matter_of_usage(question: str) -> None:
    """Nothing is asked of the engine."""
    engine = FakeEngine()
    events = await events_of(engine, question=question)

    assert failure_of(events).exit_code == 2
    assert len(events) == 1
    assert not engine.turns


@pytest.mark.parametrize(
    ("engine", "recall", "code"),
    [
        (FakeEngine(refuse=ContextOverflow("Too long.", "Shorten it.")), FakeRecall(), 3),
        (FakeEngine(formulation=[think("How"), died()]), FakeRecall(), 3),
        (FakeEngine(branches=[[think("Let"), died()]]), FakeRecall(), 3),
        (FakeEngine(), FakeRecall(error=StoreInvalid("Damaged.", "Mend it.")), 4),
    ],
    ids=["too long", "dies formulating", "dies reasoning", "bad store"],
)
async def test_an_error_ends_the_turn_not_the_app(
    engine: FakeEngine, recall: FakeRecall, code: int
) -> None:
    """It becomes the last event, with what to do and its exit code."""
    failure = failure_of(await events_of(engine, recall=recall))

    assert failure.exit_code == code
    assert failure.remedy


async def test_a_plan_that_retrieves_needs_a_store() -> None:
    """Without one the turn says so."""
    engine = FakeEngine()
    events = [event async for event in solve(QUESTION, MEMORY, engine, None)]

    assert failure_of(events).exit_code == 2


async def stopped_at(
    kind: type, engine: FakeEngine, recall: FakeRecall | None = None, nth: int = 1
) -> list[Event]:
    """The events of a turn that is stopped at the nth event of this kind."""
    control = Control()
    events: list[Event] = []
    await engine.load(INFO_PATH)
    turn = solve(QUESTION, MEMORY, engine, recall or FakeRecall(), control=control)
    async for event in turn:
        events.append(event)
        if len(of(kind, events)) == nth:
            control.stop()
    return events


async def test_a_stop_keeps_what_the_branches_have_come_to() -> None:
    """A finished branch's answer stands; the others end as cancelled, with their partial text."""
    never = asyncio.Event()
    scripts: list[list[Step]] = [[say("Answer: 8")]]
    scripts += [[think("I begin"), never] for _ in range(5)]
    events = await stopped_at(BranchFinished, FakeEngine(branches=scripts))

    assert answer_of(events).result == "8"
    assert answer_of(events).branches == 6
    assert [b.stop for b in branches_of(events)] == ["end"] + ["cancelled"] * 5
    assert branches_of(events)[3].thinking == "I begin"


async def test_a_partial_answer_does_not_count() -> None:
    """`Answer: 1` may have been about to become 12."""
    never = asyncio.Event()
    events = await stopped_at(Token, FakeEngine(branches=[[say("Answer: 1"), never]]), nth=6)

    assert failure_of(events).exit_code == 130
    assert {b.text for b in branches_of(events)} == {"Answer: 1"}
    assert {b.result for b in branches_of(events)} == {None}


@pytest.mark.parametrize("kind", [Formulating, Formulated, Retrieved, BranchStarted])
async def test_a_stop_before_any_answer_fails_with_130(kind: type) -> None:
    """Whatever the phase, and also when the engine waits."""
    never = asyncio.Event()
    engine = FakeEngine(branches=[[never]])
    events = await stopped_at(kind, engine)

    assert failure_of(events).exit_code == 130


async def test_a_stop_does_not_wait_for_the_store() -> None:
    """A search that takes long is left behind."""
    recall = FakeRecall(gate=asyncio.Event())
    events = await stopped_at(Formulated, FakeEngine(), recall)

    assert failure_of(events).exit_code == 130


async def test_a_face_that_leaves_ends_the_branches() -> None:
    """Closing the stream closes the engine's too: nothing goes on in the background."""
    closed = asyncio.Event()

    class Watched(FakeEngine):
        async def grow(self, specs):  # type: ignore[no-untyped-def]
            try:
                async for event in super().grow(specs):
                    yield event
            finally:
                closed.set()

    engine = Watched(branches=[[think("I begin"), asyncio.Event()]])
    turn = solve(QUESTION, PLANS["none"], engine, None)
    async for event in turn:
        if isinstance(event, Token):
            break
    await turn.aclose()

    assert closed.is_set()


async def test_the_engine_takes_the_next_turn_after_a_failure() -> None:
    """A turn that failed leaves nothing behind."""
    engine = FakeEngine(branches=[[think("Let"), died()]])
    assert failure_of(await events_of(engine)).exit_code == 3
    engine.branches = [[say("Answer: 8")]]

    assert answer_of(await events_of(engine)).result == "8"


async def test_history_goes_before_the_question() -> None:
    """A conversation's earlier messages are evaluated first."""
    engine = FakeEngine()
    history = [Message("user", "Hi"), Message("assistant", "Hello")]
    turn: AsyncIterator[Event] = solve(QUESTION, PLANS["none"], engine, None, history=history)
    _ = [event async for event in turn]

    assert engine.turns == [(*history, Message("user", QUESTION))]

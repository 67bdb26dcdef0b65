"""A whole turn over a scripted engine: its phases, its branches, their vote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rm_local.engine.branches import (
    ContextOverflowReport,
    ContextUsage,
    SamplingParameters,
    TokenChunk,
)
from rm_local.engine.protocol import Message
from rm_local.loop import prompts
from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import BranchStarted, Event, Failed, Formulated, Formulating, Retrieved
from rm_local.loop.plan import PLANS
from rm_local.loop.solver import solve
from tests.support.fakes import INFO, SUBPROBLEM, FakeEngine, Step, hit, say, think
from tests.support.turns import (
    MEMORY,
    QUESTION,
    answer_of,
    branches_of,
    events_of,
    failure_of,
    subproblem_of,
)


async def test_a_turn_goes_through_its_phases_in_order() -> None:
    """Formulate, retrieve, reason, answer: the kinds of events never mix."""
    engine = FakeEngine()
    events = await events_of(engine)
    other_events = [event for event in events if not isinstance(event, ContextUsage)]
    kinds = list(dict.fromkeys(event.event for event in other_events))

    assert kinds == [
        "gated",
        "formulating",
        "formulated",
        "retrieved",
        "branch_started",
        "token",
        "branch_finished",
        "answered",
    ]
    assert other_events[1] == Formulating("")
    assert subproblem_of(events).subproblem == SUBPROBLEM
    assert engine.turns == [(Message("user", QUESTION),)]


async def test_under_a_grammar_all_that_is_said_is_the_result() -> None:
    """Every branch gets the grammar, the formulation none; the whole text is voted on."""
    said = '{"answer": 8}'
    engine = FakeEngine(branches=[[think("4 and 4 make 8."), say(said)]])

    events = await events_of(engine, steering=TurnOverrides(grammar='root ::= "x"'))

    assert answer_of(events).result == answer_of(events).text == said
    formulation, branches = engine.grown
    assert {spec.grammar for spec in formulation} == {""}
    assert {spec.grammar for spec in branches} == {'root ::= "x"'}


async def test_half_an_answer_under_a_grammar_does_not_count() -> None:
    """A branch whose budget ends in the middle of its answer, or before it, does not count."""
    cut = [[say('{"answer": 8, "unit')], [think("4 and 4 make 8.")]]
    plan = replace(MEMORY, max_tokens=2)

    events = await events_of(FakeEngine(branches=cut), plan, steering=TurnOverrides(grammar="root"))

    assert failure_of(events).message == "No branch reached an answer within its budget."
    assert [branch.result for branch in branches_of(events)] == [None] * 6


async def test_every_hint_gets_its_branches_in_the_order_of_rank() -> None:
    """Six samples under three hints are two each, in turn, in the paper's frame word for word."""
    engine = FakeEngine()
    events = await events_of(engine)
    specs = engine.grown[1]
    started = [e for e in events if isinstance(e, BranchStarted)]

    assert [e.hint and e.hint.entry.id for e in started] == [1, 2, 3, 1, 2, 3]
    first = hit(1, 0.9).entry
    assert specs[0].forced == prompts.format_reasoning_cue(
        SUBPROBLEM, prompts.format_hint_for_thinking(first.subproblem, first.subroutine)
    )
    assert specs[0].forced.startswith(prompts.CUE)
    assert specs[0].forced.endswith(f"[end of hint]\n{prompts.CUE_OPENING}")


async def test_the_vote_decides_and_says_what_carried_it() -> None:
    """Two thirds say 8: the hints they had, the branches that agreed, the tokens of all."""
    engine = FakeEngine()
    events = await events_of(engine, replace(MEMORY, keep_shortest=0))
    answer = answer_of(events)
    written = sum(branch.tokens for branch in branches_of(events))

    assert (answer.result, answer.agreed, answer.branches) == ("8", 4, 6)
    assert answer.hints == (1, 2)
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
        await events_of(engine, steering=TurnOverrides(seed=seed))
    seeds = [[s.seed for specs in e.grown for s in specs] for e in (first, again, other)]

    assert seeds[0] == seeds[1]
    assert len(set(seeds[0] + seeds[2])) == 14


@pytest.mark.parametrize(
    ("recommended", "own", "single", "several"),
    [
        (None, None, 0.7, 0.7),
        (0.0, None, 0.0, 0.7),
        (1.0, None, 1.0, 1.0),
        (1.0, 0.2, 0.2, 0.2),
    ],
)
async def test_several_branches_are_at_least_as_warm_as_the_plan(
    recommended: float | None, own: float | None, single: float, several: float
) -> None:
    """One branch follows the file's recommendation; the user's own temperature goes before all."""
    engine = FakeEngine(info=replace(INFO, temperature=recommended))
    steering = TurnOverrides(temperature=own)
    await events_of(engine, PLANS["direct"], steering=steering)
    await events_of(engine, steering=steering)

    assert {spec.sampling for spec in engine.grown[0]} == {SamplingParameters(single, 0.95)}
    assert {spec.sampling for spec in engine.grown[-1]} == {SamplingParameters(several, 0.95)}


async def test_events_report_how_full_the_context_is() -> None:
    """Reported when the prompt stands and while branches write, with the prompt counted."""
    engine = FakeEngine(info=replace(INFO, context=120), prompt_tokens=20)
    await engine.load_model(Path("m.gguf"))
    used = [event for event in await events_of(engine) if isinstance(event, ContextUsage)]

    assert used[0] == ContextUsage(20, 20, 120)
    assert len(used) == 3


async def test_room_that_was_made_is_reported() -> None:
    """For the prompt, before anything is written."""
    made = ContextOverflowReport("The context was full: the oldest turn was left out.", 1, 4096)
    events = await events_of(FakeEngine(room=made))

    assert events[1] == ContextOverflowReport(made.message, 1, 4096)


@pytest.mark.parametrize(
    ("trained", "helps"), [(8192, "`context_overflow`"), (4096, "a model with")]
)
async def test_a_full_context_is_no_spent_budget(trained: int, helps: str) -> None:
    """Branches that end there without an answer: the failure says so, and what helps; a larger
    context only where the model was trained for one."""
    cut: list[Step] = [think("a long way "), "context"]
    info = replace(INFO, trained_context=trained)
    events = await events_of(FakeEngine(branches=[cut], info=info))

    last = events[-1]
    assert isinstance(last, Failed)
    assert "context" in last.message
    assert helps in last.remedy


@pytest.mark.parametrize(
    ("plan", "kinds", "forced"),
    [
        ("direct", set(), ""),
        ("length-vote", set(), ""),
        ("cue-only", {Formulated}, prompts.format_reasoning_cue(SUBPROBLEM, None)),
        ("random-hints", {Formulated, Retrieved}, None),
    ],
)
async def test_a_baseline_is_a_plan(plan: str, kinds: set[type], forced: str | None) -> None:
    """Each leaves out, or changes, what its name says; only random-hints opens a store."""
    engine = FakeEngine()
    events = await events_of(engine, PLANS[plan])
    phases = {type(event) for event in events} & {Formulated, Retrieved}

    assert phases == kinds
    assert forced is None or {spec.forced for spec in engine.grown[-1]} == {forced}
    assert answer_of(events).result == "8"


async def test_a_text_without_a_result_is_an_answer() -> None:
    """A greeting is shown as it is."""
    hello = [[think("No sum."), say("Hello, I add numbers.")]]
    answer = answer_of(await events_of(FakeEngine(branches=hello)))

    assert (answer.text, answer.result, answer.agreed) == ("Hello, I add numbers.", None, 6)


async def test_a_branch_keeps_thinking_and_answer_apart() -> None:
    """Pieces add up to the branch's two texts, and tokens only grow."""
    events = await events_of(FakeEngine(), PLANS["direct"])
    (branch,) = branches_of(events)
    tokens = [event.tokens for event in events if isinstance(event, TokenChunk)]

    assert (branch.thinking, branch.text) == ("4 and 4 make 8.", "Answer: 8")
    assert tokens == sorted(tokens)
    assert branch.tokens == tokens[-1]


async def test_history_goes_before_the_question() -> None:
    """A conversation's earlier messages are evaluated first."""
    engine = FakeEngine()
    history = [Message("user", "Hi"), Message("assistant", "Hello")]
    turn: AsyncIterator[Event] = solve(QUESTION, PLANS["direct"], engine, None, history=history)
    _ = [event async for event in turn]

    assert engine.turns == [(*history, Message("user", QUESTION))]

"""The calculator in a turn: which branches have it, and what comes of its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rm_local.loop.calculations import replace_calculation_marks_by_results
from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import BranchFinished, Event
from rm_local.loop.plan import PLANS, Plan
from rm_local.loop.turn import TurnBranch, apply_event, create_initial_turn_state
from tests.support.fakes import INFO, FakeEngine, calculated, say, think
from tests.support.turns import QUESTION, answer_of, branches_of, events_of

ALONE = PLANS["direct"]
SCRIPT = (think(" <<4+4="), calculated("8>>", "thinking"), say("Answer: <<4*2="), calculated("8>>"))
TRAINED = replace(INFO, calculator=True)


def folded(events: Sequence[Event]) -> TurnBranch:
    """The first branch of the turn after these events."""
    turn = create_initial_turn_state(QUESTION, 0.0)
    for event in events:
        turn = apply_event(turn, event, 1.0)
    return turn.branches[0]


@pytest.mark.parametrize(
    ("trained", "plan", "asked"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
async def test_a_branch_has_it_if_the_model_was_trained_with_it_and_the_plan_lets_it(
    trained: bool, plan: bool, asked: bool
) -> None:
    """The formulation never has it."""
    engine = FakeEngine(info=replace(INFO, calculator=trained))

    await events_of(engine, replace(PLANS["memory"], calculator=plan))

    formulation, *branches = engine.grown
    assert not formulation[0].calculator
    assert {spec.calculator for specs in branches for spec in specs} == {asked}


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.name)
def test_every_plan_has_it_alike(plan: Plan) -> None:
    """A comparison of plans is not one of calculators."""
    assert plan.calculator
    assert plan.as_single_branch_without_memory().calculator


async def test_results_are_in_the_text_and_counted_apart() -> None:
    """What the branch says is the whole text; its result is that of the calculation."""
    events = await events_of(FakeEngine(branches=[SCRIPT], info=TRAINED), ALONE)

    (branch,) = branches_of(events)
    assert branch.thinking == "<<4+4=8>>"
    assert branch.text == "Answer: <<4*2=8>>"
    assert (branch.result, branch.tokens, branch.forced) == ("8", 3, 2)
    assert answer_of(events).tokens == 3


async def test_a_branch_without_a_calculation_keeps_its_signs() -> None:
    """Two angle brackets are text like any other where no result was forced."""
    events = await events_of(FakeEngine(branches=[[say("Answer: <<1=2>>")]]), ALONE)

    assert branches_of(events)[0].result == "<<1=2>>"


async def test_under_a_grammar_the_whole_text_is_the_result() -> None:
    """The worker leaves the calculator off there."""
    engine = FakeEngine(branches=[[say("<<1=2>>")]], info=TRAINED)
    events = await events_of(engine, ALONE, steering=TurnOverrides(grammar='root ::= "x"'))

    assert answer_of(events).result == "<<1=2>>"


@pytest.mark.parametrize("last", [0, 1])
async def test_a_turn_knows_what_the_calculator_wrote(last: int) -> None:
    """While the branch grows, and when it has ended and lost the blanks around its texts."""
    events = await events_of(FakeEngine(branches=[SCRIPT], info=TRAINED), ALONE)
    done = [n for n, event in enumerate(events) if isinstance(event, BranchFinished)]

    branch = folded(events[: done[0] + last])

    thinking = [branch.thinking[start:end] for start, end in branch.thinking_forced]
    text = [branch.text[start:end] for start, end in branch.text_forced]
    assert (thinking, text) == (["8>>"], ["8>>"])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Answer: <<12*12=144>>", "Answer: 144"),
        ("<<12*12=144>>144 apples", "144 apples"),
        ("<<12*12=144>> 144 apples", "144 apples"),
        ("<<6/3=2>>2.5", "2 2.5"),
        ("<<1<2=True>> and <<2+2=4>>", "True and 4"),
        ("<<3==3=True>>", "True"),
        ("<<9**9**9=x", "<<9**9**9=x"),
        ("1 << 2", "1 << 2"),
        ("<<1+1\n=2>>", "<<1+1\n=2>>"),
    ],
)
def test_a_calculation_is_its_result(text: str, plain: str) -> None:
    """Once, also where the model writes it again."""
    assert replace_calculation_marks_by_results(text) == plain

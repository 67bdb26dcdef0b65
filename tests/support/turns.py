"""Turns of the loop over a scripted engine, and what is looked for in their events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.events import Answered, BranchFinished, BranchStarted, Event, Failed, Formulated
from rm_local.loop.plan import PLANS, Plan
from rm_local.loop.solver import solve
from rm_local.records import Answer, Branch
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    INFO,
    FakeEngine,
)

WAVES = replace(PLANS["memory"], samples=6, hints=3, keep_shortest=4, max_score_gap=2.0)
MEMORY = replace(WAVES, vote="all")
"""All branches at once, so that what a test says of them does not depend on their number."""
INFO_PATH = Path(INFO.path)
QUESTION = "What is 4 + 4?"


async def events_of(
    engine: FakeEngine,
    plan: Plan = MEMORY,
    recall: FakeRecall | None = None,
    question: str = QUESTION,
    steering: TurnOverrides | None = None,
    control: TurnControl | None = None,
) -> list[Event]:
    """All events of a turn."""
    await engine.load_model(INFO_PATH)
    recall = recall or FakeRecall()
    steering = steering or TurnOverrides()
    turn = solve(question, plan, engine, recall, overrides=steering, control=control)
    return [event async for event in turn]


def of(kind: type, events: list[Event]) -> list[Event]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def hints_of(events: list[Event]) -> list[int | None]:
    """The entry under which each branch began; None for one without a hint."""
    begun = [event for event in events if isinstance(event, BranchStarted)]
    return [event.hint.entry.id if event.hint else None for event in begun]


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

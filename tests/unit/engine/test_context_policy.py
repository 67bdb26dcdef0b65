"""A full context: which turns are left out, how far it grows, and how its cells are counted."""

from __future__ import annotations

import pytest

from rm_local.engine import context_policy
from rm_local.engine.branches import BranchSpec, ContextUsage
from rm_local.engine.protocol import Message, Reply
from rm_local.engine.worker.decoding.branch import BranchState
from rm_local.engine.worker.decoding.context_usage import ContextUsageReporter, count_used_cells

SYSTEM = Message("system", "Be brief.")
TALK = (
    SYSTEM,
    Message("user", "one?"),
    Message("assistant", "1"),
    Message("user", "two?"),
    Message("assistant", "2"),
    Message("assistant", "and more"),
    Message("user", "three?"),
)


@pytest.mark.parametrize(
    ("count", "left"),
    [(0, TALK), (1, (SYSTEM, *TALK[3:])), (2, (SYSTEM, TALK[-1])), (9, (SYSTEM, TALK[-1]))],
)
def test_the_oldest_turns_go_first(count: int, left: tuple[Message, ...]) -> None:
    """A turn is a question with all that follows on it; system message and last question stay."""
    assert context_policy.drop_oldest_turns(TALK, count) == left


def test_what_is_left_out_is_named_by_its_questions() -> None:
    """The last question is of no earlier turn; a lone question has none before it."""
    assert context_policy.list_oldest_questions(TALK, 9) == ("one?", "two?")
    assert context_policy.list_oldest_questions(TALK, 1) == ("one?",)
    assert context_policy.list_earlier_turn_starts([TALK[-1]]) == []
    assert context_policy.drop_oldest_turns([TALK[-1]], 3) == (TALK[-1],)


@pytest.mark.parametrize(
    ("context", "tokens", "trained", "larger"),
    [
        (1024, 1000, 8192, 2048),
        (1024, 1900, 8192, 4096),
        (1024, 100_000, 8192, 8192),
        (6144, 6000, 8192, 8192),
        (8192, 8000, 8192, 0),
        (8192, 8000, 0, 0),
    ],
)
def test_a_context_doubles_up_to_what_the_model_was_trained_for(
    context: int, tokens: int, trained: int, larger: int
) -> None:
    """Until a quarter is free for what branches write."""
    assert context_policy.compute_larger_context_or_zero(context, tokens, trained) == larger


def branch(
    index: int, tokens: int, group: int = 0, common: int = 0, evaluated: int = 0
) -> BranchState:
    made = BranchState(index, BranchSpec("", 0, 10), [1] * tokens, "answer")
    made.group, made.common, made.evaluated = group, common, evaluated or tokens
    made.free_samplers()
    return made


def test_cells_that_are_shared_count_once() -> None:
    """Root 100; two branches share a hint of 20 and wrote 5 and 7; one has 30 of its own."""
    live = [branch(0, 125, 1, 20), branch(1, 127, 1, 20), branch(2, 130, 2, 30)]

    assert count_used_cells(100, live) == 100 + (20 + 5 + 7) + 30
    assert count_used_cells(100, []) == 100


def test_a_meter_reports_steps_and_ends() -> None:
    """A change under a hundredth is reported only if something ends; nothing is reported twice."""
    sent: list[Reply] = []
    meter = ContextUsageReporter(sent.append)

    for tokens, now in [(100, False), (105, False), (105, True), (105, True), (111, False)]:
        meter.report_usage_if_changed(50, [branch(0, tokens)], 1000, now=now)

    assert sent == [ContextUsage(100, 100, 1000), ContextUsage(105, 105, 1000)]
    meter.report_usage_if_changed(50, [branch(0, 111)], 2000, now=False)
    assert sent[-1] == ContextUsage(111, 111, 2000)


@pytest.mark.parametrize(
    ("earlier", "tokens", "named", "unnamed"),
    [
        (
            False,
            900,
            ["shorter question", "larger `context`"],
            ["context_overflow", "session", "choose a model"],
        ),
        (True, 900, ["new session", '"drop_oldest"', "larger `context`"], ["choose a model"]),
        (False, 2048, ["shorter question", "choose a model"], ["`context`", "overflow"]),
        (True, 5000, ["new session", "choose a model"], ["`context`"]),
    ],
)
def test_a_remedy_names_only_what_helps(
    earlier: bool, tokens: int, named: list[str], unnamed: list[str]
) -> None:
    """A larger context only where the model was trained for it, the session where it counts."""
    remedy = context_policy.suggest_overflow_remedy(earlier, tokens, 2048)
    assert all(words in remedy for words in named)
    assert not any(words in remedy for words in unnamed)

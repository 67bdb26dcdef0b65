"""A question's whole way on a real public model: SmolLM2-135M-Instruct, which does not think.

No test depends on what the model says, only on what is done with it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio

from rm_local.engine import ContextOverflowReport, TokenChunk, grammar_from_schema
from rm_local.loop import (
    Answered,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    HintCutOrLeftOut,
    Plan,
    Prefilled,
    Retrieved,
    TurnControl,
    TurnOverrides,
)
from rm_local.records import Entry, Hit
from rm_local.runtime import Runtime
from rm_local.sessions import Session
from rm_local.settings import Settings
from tests.support.smollm2 import (
    ALONE,
    FITTING,
    PLAN,
    SEED,
    answer_of,
    ask,
    branches_of,
    require_smollm2,
    written,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}, "large": {"type": "boolean"}},
    "required": ["city", "large"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[Runtime]:
    """SmolLM2 and the shipped store, opened once."""
    opened = Runtime(Settings(threads=1, context=1024), model=require_smollm2())
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow() -> AsyncIterator[Runtime]:
    """The same in a context of 256 tokens, which leaves out the oldest turns when it is full."""
    opened = Runtime(
        Settings(threads=1, context=256, context_overflow="drop_oldest"), model=require_smollm2()
    )
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hinted(runtime: Runtime) -> list[Event]:
    """The events of a turn for which the store has a procedure."""
    return await ask(runtime, FITTING)


def first(kind: type[Event], events: Sequence[Event]) -> int:
    """Place of the first event of this kind."""
    return next(index for index, event in enumerate(events) if isinstance(event, kind))


def prompt_tokens(events: Sequence[Event]) -> int:
    """Tokens of the conversation that the model read."""
    (read,) = (event.reading for event in events if isinstance(event, Prefilled))
    return read.prompt


# The whole way


async def test_a_question_goes_all_the_way(hinted: list[Event]) -> None:
    """A subproblem is named, hits are found, branches reason under them, and one text is shown."""
    events = hinted
    answer = answer_of(events)
    (found,) = (event for event in events if isinstance(event, Retrieved))
    started = [event for event in events if isinstance(event, BranchStarted)]
    order = [first(k, events) for k in (Formulated, Retrieved, BranchStarted, TokenChunk, Answered)]

    assert order == sorted(order)
    assert found.hits
    assert {event.hint for event in started} <= {None, *found.hits}
    assert [branch.index for branch in branches_of(events)] == [event.branch for event in started]
    assert answer.text
    assert answer.text == branches_of(events)[answer.branch].text


async def test_what_streams_is_what_a_branch_holds(hinted: list[Event]) -> None:
    """The pieces add up to the text; a model that does not think has no thoughts."""
    assert branches_of(hinted)
    for branch in branches_of(hinted):
        assert written(hinted, branch.index).strip() == branch.text
        assert branch.thinking == ""
        assert 0 < branch.tokens <= PLAN.max_tokens


async def test_the_same_seed_writes_the_same_answer(runtime: Runtime) -> None:
    """Another seed writes another one."""
    texts = [
        answer_of(await ask(runtime, FITTING, ALONE, TurnOverrides(seed=seed))).text
        for seed in (1, 2, 1)
    ]

    assert texts[0] == texts[2] != texts[1]


async def test_the_users_own_subproblem_is_searched_for(runtime: Runtime) -> None:
    """The model names none; the hits are those of the user's words."""
    own = "how to add fractions with different denominators"
    events = await ask(runtime, FITTING, overrides=TurnOverrides(own, seed=1))
    (named,) = (event for event in events if isinstance(event, Formulated))
    (found,) = (event for event in events if isinstance(event, Retrieved))

    assert (named.subproblem, named.author) == (own, "user")
    assert "fraction" in found.hits[0].entry.subproblem.lower()


# Follow-ups


async def test_a_follow_up_reads_the_earlier_question_and_answer(runtime: Runtime) -> None:
    """Both are in its prompt; what the earlier turn's branches read and forced is not."""
    follow_up = "And with negative weights?"
    session = Session(runtime)
    opening = [e async for e in session.ask(FITTING, PLAN, overrides=SEED)]
    following = [e async for e in session.ask(follow_up, ALONE, after=1, overrides=SEED)]
    alone = [e async for e in session.ask(follow_up, ALONE, overrides=SEED)]
    session.close()
    count = runtime.engine.count_tokens
    earlier = await count(FITTING) + await count(answer_of(opening).text)
    markup = prompt_tokens(alone) - await count(follow_up)

    grown = prompt_tokens(following) - prompt_tokens(alone)
    assert earlier <= grown <= earlier + 2 * markup
    assert answer_of(following).text


# Stop


async def test_a_stop_ends_the_turn_and_the_next_is_answered(runtime: Runtime) -> None:
    """Every branch ends at once; what was written by then is kept."""
    control = TurnControl()
    events: list[Event] = []
    endless = replace(PLAN, max_tokens=900)
    async for event in runtime.solve(FITTING, endless, overrides=SEED, control=control):
        events.append(event)
        if isinstance(event, TokenChunk):
            control.stop()
    started = [event.branch for event in events if isinstance(event, BranchStarted)]

    assert isinstance(events[-1], Answered | Failed)
    assert [branch.index for branch in branches_of(events)] == started
    assert "cancelled" in {branch.stop for branch in branches_of(events)}
    assert all(branch.tokens < endless.max_tokens for branch in branches_of(events))
    assert answer_of(await ask(runtime, "What is the capital of France?", ALONE)).text


# Constrained output


@pytest.mark.parametrize("plan", [ALONE, PLAN], ids=["alone", "memory"])
async def test_an_answer_under_a_schema_is_json_of_it(runtime: Runtime, plan: Plan) -> None:
    """With or without hints, what is shown can be read and has the schema's fields."""
    overrides = TurnOverrides(seed=1, grammar=grammar_from_schema(json.dumps(SCHEMA)))
    events = await ask(runtime, FITTING, replace(plan, max_tokens=64), overrides)
    data = json.loads(answer_of(events).text)

    assert isinstance(data["large"], bool)
    assert isinstance(data["city"], str)
    assert data.keys() == {"city", "large"}


# Limits of the context


async def test_a_question_longer_than_the_context_is_refused(narrow: Runtime) -> None:
    """With what to do; the next question is answered."""
    events = await ask(narrow, "why " * 2000, ALONE)

    assert isinstance(events[-1], Failed)
    assert events[-1].exit_code == 3
    assert events[-1].remedy
    assert answer_of(await ask(narrow, "Why is grass green?", ALONE)).text


async def test_a_branch_ends_where_the_context_is_full(narrow: Runtime) -> None:
    """What it has written by then is shown."""
    events = await ask(
        narrow, "Count from one to a thousand. " * 20, replace(ALONE, max_tokens=900)
    )
    (branch,) = branches_of(events)

    assert prompt_tokens(events) + branch.tokens <= 256
    assert answer_of(events).text == branch.text != ""


async def test_a_hint_longer_than_the_context_is_cut(narrow: Runtime) -> None:
    """The turn says so and is answered."""
    steps = "I should look at every vertex and every edge of the graph once more. "
    long = Hit(Entry("How to search a graph?", steps * 100, id=999_999), 0.9)
    events = await ask(narrow, FITTING, overrides=TurnOverrides(FITTING, (long,), seed=1))
    cuts = [
        event
        for event in events
        if isinstance(event, HintCutOrLeftOut) and event.id == long.entry.id
    ]

    assert len(cuts) == 1
    assert cuts[0].kept < cuts[0].tokens
    assert answer_of(events).text


async def test_a_conversation_longer_than_the_context_drops_its_oldest_turns(
    narrow: Runtime,
) -> None:
    """Each turn is answered, and one says what was left out."""
    session = Session(narrow)
    events: list[Event] = []
    for number in range(4):
        question = f"Tell me one more thing about the river Rhine and its towns, number {number}."
        plan = replace(ALONE, max_tokens=40)
        asked = [e async for e in session.ask(question, plan, after=number, overrides=SEED)]
        assert answer_of(asked).text
        events += asked
    session.close()

    assert any(isinstance(event, ContextOverflowReport) and event.dropped for event in events)

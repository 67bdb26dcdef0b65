"""Memory never makes an answer worse, on a model that was not trained on the loop's own texts.

SmolLM2-135M-Instruct, which does not think. No test depends on what it says.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from models.compare import rules
from models.compare.judge import list_forced_phrases
from rm_local.loop import (
    PLANS,
    BranchStarted,
    Formulated,
    TurnControl,
    TurnOverrides,
    formulation_cue,
)
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from tests.support.smollm2 import (
    ALONE,
    FITTING,
    NUMBERED,
    PLAN,
    answer_of,
    ask,
    branches_of,
    require_smollm2,
    written,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[Runtime]:
    """SmolLM2 and the shipped store, opened once."""
    opened = Runtime(Settings(threads=1, context=1024), model=require_smollm2())
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "question",
    [
        "Hello, who are you?",
        "good night, sleep well",
        "What is the capital of France?",
        "Translate into French: the cat sleeps on the sofa.",
        "Rewrite this in a friendlier tone: your order is late again.",
        "What model are you running on?",
        "Combien de côtés a un pentagone ?",
        "请用简单的话解释一下为什么会下雨。",
    ],
)
async def test_what_the_store_has_nothing_for_goes_straight_to_the_model(
    runtime: Runtime, question: str
) -> None:
    """One branch with the tokens of the model by itself, and nothing is formulated."""
    direct = await ask(runtime, question, ALONE)
    events = await ask(runtime, question)
    (branch,) = branches_of(events)

    assert not any(isinstance(event, Formulated) and event.tokens for event in events)
    assert branch.hint is None
    assert written(events, 0) == written(direct, 0)
    assert answer_of(events).tokens == answer_of(direct).tokens


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("question", [FITTING, NUMBERED, "How can I reverse a list in Python?"])
async def test_a_subproblem_is_a_general_question(
    runtime: Runtime, question: str, seed: int
) -> None:
    """One line of words, without an address, an echo of the cue, or the question's numbers."""
    control = TurnControl()
    named: Formulated | None = None
    overrides = TurnOverrides(seed=seed)
    async for event in runtime.solve(question, PLAN, overrides=overrides, control=control):
        if isinstance(event, Formulated):
            named = event
            control.stop()
    assert named is not None
    subproblem = named.subproblem

    assert 3 <= len(subproblem.split()) <= 40
    assert not re.search(r"https?:|www\.|\.com\b", subproblem)
    assert not rules.repeats_phrase(subproblem, [formulation_cue()], rules.FORCED_WORDS)
    assert not set(re.findall(r"\d+", question)) & set(re.findall(r"\d+", subproblem))


@pytest.mark.parametrize("question", [FITTING, NUMBERED])
async def test_what_is_shown_under_a_hint_is_the_models_own(
    runtime: Runtime, question: str
) -> None:
    """Each branch says something, and nothing of the program's words."""
    events = await ask(runtime, question, replace(PLAN, max_tokens=40))

    assert any(isinstance(event, BranchStarted) and event.hint for event in events)
    for branch in branches_of(events):
        assert branch.text.strip()
        assert not rules.has_forced_text(branch.text, [*list_forced_phrases()], [])


async def test_an_open_question_grows_few_branches_and_is_answered(runtime: Runtime) -> None:
    """Three at most where none has a short result; prose is an answer."""
    events = await ask(runtime, FITTING, replace(PLANS["memory"], max_tokens=24))
    branches = branches_of(events)

    assert len(branches) <= 3 or any(branch.result is not None for branch in branches)
    assert answer_of(events).text


async def test_a_loop_ends_soon_after_its_first_repeat(runtime: Runtime) -> None:
    """At temperature 0 the model writes one word on and on; it is stopped before its budget."""
    plan = replace(PLANS["direct"], temperature=0.0, max_tokens=400)
    events = await ask(runtime, "Write the word banana five hundred times.", plan)
    (branch,) = branches_of(events)

    assert branch.tokens < 400
    assert branch.stop in ("repeating", "end")

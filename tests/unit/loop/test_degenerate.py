"""What a model wrote without coming to an answer: reasoning, or none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from rm_local.loop.degenerate import describe_output_defect
from rm_local.loop.plan import PLANS
from rm_local.records import Branch, StopReason
from tests.support.fakes import FakeEngine, Step, say, think
from tests.support.turns import answer_of, branches_of, events_of, failure_of

PROSE = (
    "I have to find the sum of the even numbers. First I write down the first of them, then the "
    "last, and how many there are between. The mean of the first and the last, times their number, "
    "gives the sum. The first even number above ten is twelve, the last below thirty is "
    "twenty-eight, so there are nine of them. Their mean is twenty; nine times that is a hundred "
    "and eighty. Let me check this another way: twelve and twenty-eight make forty, fourteen and "
    "twenty-six too, and so on for four pairs, with twenty left in the middle."
)
NOISE = "".join(random.Random(0).choices("ab\ufffd\ufffd\x02 xyz", k=600))


@pytest.mark.parametrize(
    ("text", "stop", "words"),
    [
        (PROSE, "end", None),
        (PROSE, "length", None),
        ("wait " * 200, "repeating", "over and over"),
        (NOISE, "end", "not readable text"),
        (NOISE, "repeating", "not readable text"),
        (NOISE[:60], "end", "not readable text"),
        (NOISE[:30], "end", None),
    ],
    ids=["prose", "cut prose", "a loop", "noise", "looping noise", "some noise", "too little"],
)
def test_sense_is_distinguished_from_nonsense(
    text: str, stop: StopReason, words: str | None
) -> None:
    """Prose passes, and what is too short to judge; loops, as the worker found them, and noise."""
    found = describe_output_defect(Branch(0, None, 0, text[:9], text[9:], None, 9, 1.0, stop))

    assert (found is None) == (words is None)
    assert (words or "") in (found or "")


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ([[think("Okay."), say(NOISE)]], "not readable text"),
        ([[think("wait " * 200), "repeating"]], "over and over"),
        ([[think(NOISE)]], "not readable text"),
        ([[think("wait " * 200), "repeating"], [think(PROSE)]], "the model ended without one"),
        ([[think(PROSE), "length"], [think(PROSE)]], "within its budget"),
    ],
)
async def test_a_turn_of_nothing_but_nonsense_says_so(
    scripts: Sequence[Sequence[Step]], message: str
) -> None:
    """Once, with what to do; a single branch that reasons is enough for the usual message."""
    failed = failure_of(await events_of(FakeEngine(branches=scripts), PLANS["length-vote"]))

    assert message in failed.message
    assert failed.remedy
    assert failed.exit_code == 1


async def test_a_branch_that_repeats_itself_never_wins_the_vote() -> None:
    """Neither by its result, however often it gave it, nor by its text."""
    loop: list[Step] = [say("Answer: 3\n" * 5), "repeating"]
    events = await events_of(
        FakeEngine(branches=[loop, loop, [say("Answer: 8")]]), PLANS["length-vote"]
    )

    assert answer_of(events).result == "8"
    assert {(b.stop, b.result) for b in branches_of(events)} >= {("repeating", None), ("end", "8")}

    prose: list[Step] = [say("It depends on the weather.")]
    events = await events_of(FakeEngine(branches=[loop, loop, prose]), PLANS["length-vote"])

    assert answer_of(events).text == "It depends on the weather."


async def test_what_repeats_itself_is_shown_where_there_is_nothing_else() -> None:
    """A single branch that said something before its loop is an answer, without a result."""
    loop: list[Step] = [say("Paris. It is a city. It is a city."), "repeating"]
    answer = answer_of(await events_of(FakeEngine(branches=[loop]), PLANS["direct"]))

    assert (answer.text, answer.result) == ("Paris. It is a city. It is a city.", None)

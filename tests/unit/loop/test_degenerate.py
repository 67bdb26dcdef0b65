"""What a model wrote without coming to an answer: reasoning, or none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from rm_local.loop.degenerate import fault_of
from rm_local.loop.plan import PLANS
from tests.support.fakes import FakeEngine, Step, say, think
from tests.support.turns import events_of, failure_of

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
    ("text", "words"),
    [
        (PROSE, None),
        ("wait " * 200, "over and over"),
        ("So the answer must be something else. Let me think once more about it.\n" * 30, "over"),
        (NOISE, "no readable text"),
        (NOISE[:60], "no readable text"),
        ("- 1 apple\n- 2 pears\n\n" * 10, None),
    ],
    ids=["prose", "one word", "one sentence", "noise", "some noise", "too short to tell"],
)
def test_sense_is_told_from_none(text: str, words: str | None) -> None:
    """Prose is let pass, and what is too short to tell; loops and noise are not."""
    found = fault_of(text)

    assert (found is None) == (words is None)
    assert (words or "") in (found or "")


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ([[think("Okay."), say(NOISE)]], "no readable text"),
        ([[think("wait " * 200)]], "over and over"),
        ([[think(NOISE)]], "no readable text"),
        ([[think("wait " * 200)], [think(PROSE)]], "within its budget"),
    ],
)
async def test_a_turn_of_nothing_but_nonsense_says_so(
    scripts: Sequence[Sequence[Step]], message: str
) -> None:
    """Once, with what to do; a single branch that reasons is enough for the usual message."""
    failed = failure_of(await events_of(FakeEngine(branches=scripts), PLANS["length"]))

    assert message in failed.message
    assert failed.remedy
    assert failed.exit_code == 1

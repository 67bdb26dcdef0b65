"""Results that are written differently and are one answer."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from rm_local.loop import equal_answers
from rm_local.loop.equal_answers import AnswerGroups, are_values_comparable

SAME = [("1/2", "0.5"), ("\\frac12", "1/2"), ("2\\sqrt{2}", "\\sqrt{8}"), ("1+2x", "2x+1")]
APART = [("1/2", "1/3"), ("50%", "0.5"), ("5 m", "5"), ("5 cm", "5 m"), ("0.333", "1/3")]


async def one_vote(left: str, right: str) -> bool:
    """Whether two results of a turn are one answer."""
    async with AnswerGroups() as answers:
        await answers.add_result(left)
        await answers.add_result(right)
        return answers.get_group_key_or_normal_form(left) == answers.get_group_key_or_normal_form(
            right
        )


@pytest.mark.parametrize(("left", "right"), SAME)
async def test_equal_values_are_one_vote(left: str, right: str) -> None:
    """Fractions, roots and sums, however they are written."""
    pytest.importorskip("math_verify")

    assert await one_vote(left, right)


@pytest.mark.parametrize(("left", "right"), APART)
async def test_other_values_and_units_stay_apart(left: str, right: str) -> None:
    """A percentage is no fraction, a length no number."""
    assert not await one_vote(left, right)


async def test_what_takes_too_long_is_not_equal() -> None:
    """The process is ended, the turn continues, and nothing further is compared."""
    pytest.importorskip("math_verify")
    async with AnswerGroups() as answers:
        await answers.add_result("1")
        await answers.add_result("((((10^{99})!)!)!)!")
        await answers.add_result("2/2")
        keys = {
            answers.get_group_key_or_normal_form(each)
            for each in ("1", "((((10^{99})!)!)!)!", "2/2")
        }

    assert len(keys) == 3


async def test_without_math_verify_the_writing_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before: nothing is computed, and no process is started."""
    monkeypatch.setattr(equal_answers, "find_spec", lambda _name: None)
    monkeypatch.setattr(equal_answers, "_start_equality_process", None)

    assert not await one_vote("1/2", "0.5")
    assert await one_vote("x = 3", "3.0")


async def test_a_process_that_does_not_answer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is ended, and the results are compared by how they are written."""

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ""), stdin=PIPE, stdout=PIPE
        )

    monkeypatch.setattr(equal_answers, "find_spec", lambda _name: object())
    monkeypatch.setattr(equal_answers, "_start_equality_process", start)

    assert not await one_vote("1/2", "0.5")


@pytest.mark.parametrize(
    ("left", "right", "may"),
    [
        ("1/2", "0.5", True),
        ("x=3", "3", True),
        ("\\frac{1}{2}", "0.5", True),
        ("50%", "50", False),
        ("50\\%", "50%", True),
        ("5 m", "5", False),
        ("5 apples", "5", False),
        ("5\\text{ cm}", "5", False),
        ("Paris", "Rome", False),
        ("B", "b", False),
        ("1" * 300, "1", False),
    ],
)
def test_only_formulas_are_compared_by_value(left: str, right: str, may: bool) -> None:
    """No words, the same variables, percentages among themselves, and not too long."""
    assert are_values_comparable(left, right) is may

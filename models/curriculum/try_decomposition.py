"""Lets a model decompose a worked trajectory, and solve other problems with its own hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from models.curriculum.ask_runtime import ask_runtime, find_budgeted_plan, is_accepted
from models.curriculum.forms import WordedProblem
from models.curriculum.parse_decomposition import (
    InvalidDecompositionError,
    parse_hint,
    parse_subquestions,
)
from models.curriculum.texts.decomposition import format_hint_request, format_subquestions_request
from models.curriculum.worked_trajectories import Trajectory
from rm_local.records import Entry
from rm_local.runtime import Runtime

SOLVED_TENTHS = 6
"""Tenths of the other problems that have to be solved under an entry."""


class HintTrial(TypedDict):
    """One subquestion, the model's hint for it, and the results of other problems under it."""

    subquestion: str
    said: str
    """The model's reply, unchanged."""
    fault: str
    """Reason why the reply does not parse; empty if it does."""
    results: list[str | None]
    """Results of the other problems under the hint; empty if the reply does not parse."""
    right: int


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Sample of one trajectory: the model's replies, and the problems solved with them."""

    family: str
    number: int
    question: str
    work: str
    answer: str
    said: str
    """The reply to the request for subquestions, unchanged."""
    fault: str
    """Reason why this reply does not parse; empty if it does."""
    hints: list[HintTrial]
    others: int
    """Number of the family's other problems that were asked."""
    unaided: int
    """Number of those that were solved without an entry."""

    @property
    def key(self) -> tuple[str, int]:
        """Family and number of the trajectory."""
        return self.family, self.number

    @property
    def parses_completely(self) -> bool:
        """Whether the subquestions and the hints of all of them parse."""
        return not self.fault and not any(hint["fault"] for hint in self.hints)

    def has_enough_right(self, right: int) -> bool:
        """Return whether that many right answers to the other problems are enough."""
        return 10 * right >= SOLVED_TENTHS * self.others


async def decompose_and_test(runtime: Runtime, trajectory: Trajectory) -> Decomposition:
    """Ask for the subquestions and hints of one trajectory, then the other problems.

    Raises:
        TurnFailedError: A turn failed.
    """
    worked = trajectory.worked
    said = await _ask_directly(
        runtime, format_subquestions_request(worked.question, worked.work, worked.answer)
    )
    fault, subquestions = "", tuple[str, ...]()
    try:
        subquestions = parse_subquestions(said)
    except InvalidDecompositionError as error:
        fault = str(error)
    return Decomposition(
        family=trajectory.family,
        number=trajectory.number,
        question=worked.question,
        work=worked.work,
        answer=worked.answer,
        said=said,
        fault=fault,
        hints=[await _try_hint(runtime, trajectory, question) for question in subquestions],
        others=len(trajectory.others),
        unaided=_count_right(trajectory.others, await _solve_others(runtime, trajectory, None)),
    )


async def _try_hint(runtime: Runtime, trajectory: Trajectory, subquestion: str) -> HintTrial:
    worked = trajectory.worked
    request = format_hint_request(worked.question, worked.work, worked.answer, subquestion)
    said = await _ask_directly(runtime, request)
    try:
        procedure = parse_hint(said)
    except InvalidDecompositionError as error:
        return HintTrial(subquestion=subquestion, said=said, fault=str(error), results=[], right=0)
    entry = Entry(subquestion, procedure, source=f"decomposition/{trajectory.family}")
    results = await _solve_others(runtime, trajectory, entry)
    right = _count_right(trajectory.others, results)
    return HintTrial(subquestion=subquestion, said=said, fault="", results=results, right=right)


async def _ask_directly(runtime: Runtime, text: str) -> str:
    """Return the model's reply to the request in a greedy turn without hints."""
    return (await ask_runtime(runtime, text, find_budgeted_plan("direct"), temperature=0.0)).text


async def _solve_others(
    runtime: Runtime, trajectory: Trajectory, entry: Entry | None
) -> list[str | None]:
    """Return the results of the other problems under the entry alone, or without hints for None."""
    plan = find_budgeted_plan("memory" if entry else "direct")
    return [
        (await ask_runtime(runtime, problem.question, plan, hint=entry)).result
        for problem in trajectory.others
    ]


def _count_right(problems: Sequence[WordedProblem], results: Sequence[str | None]) -> int:
    pairs = zip(problems, results, strict=True)
    return sum(is_accepted(result, [problem.answer]) for problem, result in pairs)

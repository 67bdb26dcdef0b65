"""Asks problems of reasoning-gym under each arm, and formats the results as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.curriculum.ask_runtime import ask_runtime, find_budgeted_plan
from models.curriculum.gym.entries import name_source, read_gym_entries
from models.curriculum.gym.problems import FULL_SCORE, GymProblem, score_result
from models.curriculum.intervals import format_share_cells
from rm_local.errors import UsageError
from rm_local.runtime import Runtime
from rm_local.store import EntryFilter

ARMS = {"none": "direct", "memory": "memory"}
"""Plan of each arm: the model without hints, and with the store."""
TOTAL = "all"


@dataclass(frozen=True, slots=True)
class GymSample:
    """Result of a model for one problem under one arm."""

    generator: str
    number: int
    arm: str
    question: str
    answer: str
    result: str | None
    text: str
    score: float
    """Score by reasoning-gym, 0 to 1."""
    found: bool
    """Whether the entry of the problem's generator was among the hits."""
    hits: int
    tokens: int
    seconds: float

    @property
    def key(self) -> tuple[str, int, str]:
        """Generator, problem and arm."""
        return self.generator, self.number, self.arm

    @property
    def right(self) -> bool:
        """Whether the result has the full score."""
        return self.score >= FULL_SCORE


async def ask_problem(runtime: Runtime, problem: GymProblem, arm: str) -> GymSample:
    """Ask the problem's question unchanged in one turn under the arm.

    Raises:
        TurnFailedError: The turn failed.
    """
    outcome = await ask_runtime(runtime, problem.question, find_budgeted_plan(ARMS[arm]))
    return GymSample(
        generator=problem.generator,
        number=problem.number,
        arm=arm,
        question=problem.question,
        answer=problem.answer,
        result=outcome.result,
        text=outcome.text,
        score=score_result(problem, outcome.result),
        found=name_source(problem.generator) in outcome.sources,
        hits=len(outcome.sources),
        tokens=outcome.tokens,
        seconds=outcome.seconds,
    )


async def check_store_entries(runtime: Runtime) -> None:
    """Check that the runtime's store has the entry of each generator.

    Raises:
        UsageError: An entry is missing.
    """
    missing = [
        generator
        for generator, entry in read_gym_entries().items()
        if not await runtime.search(entry.subproblem, 1, filter=EntryFilter(source=entry.source))
    ]
    if missing:
        raise UsageError(
            f"{runtime.store} has no entry for {', '.join(missing)}.",
            "Build a store with `python -m models.curriculum.build_store OUT.rms`, then name it "
            "with --store.",
        )


def format_table_lines(samples: Iterable[GymSample]) -> Sequence[str]:
    """Return the lines of a table by generator and arm, and over all generators.

    Shares of right answers have Wilson's 95 % interval.
    """
    groups: dict[tuple[str, str], list[GymSample]] = defaultdict(list)
    for sample in samples:
        groups[sample.generator, sample.arm].append(sample)
        groups[TOTAL, sample.arm].append(sample)
    order = [*read_gym_entries(), TOTAL]
    rows = sorted(
        groups.items(), key=lambda row: (order.index(row[0][0]), list(ARMS).index(row[0][1]))
    )
    return [
        "| generator | arm | problems | right | 95 % | answered | own entry | tokens | seconds |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|",
        *(_format_table_line(generator, arm, found) for (generator, arm), found in rows),
    ]


def _format_table_line(generator: str, arm: str, found: Sequence[GymSample]) -> str:
    count = len(found)
    answered = sum(sample.result is not None for sample in found) / count
    own = f"{sum(sample.found for sample in found) / count:.0%}" if arm == "memory" else "-"
    tokens, seconds = (
        sum(getattr(s, name) for s in found) / count for name in ("tokens", "seconds")
    )
    return (
        f"| {generator} | {arm} | {format_share_cells(sum(s.right for s in found), count)} "
        f"| {answered:.0%} | {own} | {tokens:.0f} | {seconds:.1f} |"
    )

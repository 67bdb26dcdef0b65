"""Measures what branches in waves save and cost: `python -m models.nano.waves --count 100`.

Problems of held-out families, as people type them, are each solved by the plan `memory` in waves,
and with all its branches begun at once (`vote = "all"`; branches that can no longer change the vote
are ended there as well), from the same seeds. Prints tokens and accuracy of both, and the paired
difference with a 95 % bound from a bootstrap over the problems.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.compare.statistics import bootstrap_mean_interval
from models.nano.asks import is_right_answer
from models.nano.curriculum import heldout, imitate_typed_problem
from models.nano.curriculum.problem import Problem
from rm_local.loop import Answered, BranchFinished, Plan, TurnOverrides, find_plan
from rm_local.runtime import Runtime
from rm_local.settings import Settings


@dataclass(frozen=True, slots=True)
class SolveOutcome:
    """Result and cost of one problem under one plan."""

    right: bool
    tokens: int
    branches: int


def draw_problems(count: int, seed: int) -> list[Problem]:
    """Draw `count` problems, of the held-out families in turn."""
    rng = random.Random(seed)
    families = heldout.read_procedures()
    return [
        imitate_typed_problem(rng, families[n % len(families)].draw_problem(rng))
        for n in range(count)
    ]


async def solve_problem(runtime: Runtime, problem: Problem, plan: Plan, seed: int) -> SolveOutcome:
    """Solve the problem under the plan; a turn without an answer counts as wrong."""
    tokens = branches = 0
    said = ""
    overrides = TurnOverrides(seed=seed)
    async for event in runtime.solve(problem.question, plan, overrides=overrides):
        if isinstance(event, BranchFinished):
            tokens, branches = tokens + event.branch.tokens, branches + 1
        if isinstance(event, Answered):
            said = event.answer.result or ""
    return SolveOutcome(is_right_answer(said, problem.answer), tokens, branches)


async def compare_waves(count: int, seed: int) -> None:
    """Solve each problem both ways, and print the figures."""
    memory = replace(find_plan("memory"), max_tokens=400)
    whole, waves = replace(memory, vote="all"), memory
    runtime = Runtime(Settings(context=4096, threads=1))
    pairs: list[tuple[SolveOutcome, SolveOutcome]] = []
    try:
        for number, problem in enumerate(draw_problems(count, seed)):
            pair = [await solve_problem(runtime, problem, plan, number) for plan in (whole, waves)]
            pairs.append((pair[0], pair[1]))
    finally:
        await runtime.close()
    _print_arm("all", [pair[0] for pair in pairs])
    _print_arm("waves", [pair[1] for pair in pairs])
    saved = 1 - sum(b.tokens for _, b in pairs) / max(1, sum(a.tokens for a, _ in pairs))
    differences = [100.0 * (b.right - a.right) for a, b in pairs]
    mean, (low, _) = sum(differences) / count, bootstrap_mean_interval(differences, seed)
    print(f"tokens saved {saved:.1%}; accuracy {mean:+.1f} points, lower 95 % bound {low:+.1f}")


def _print_arm(name: str, solved: Sequence[SolveOutcome]) -> None:
    count = len(solved)
    rights = sum(each.right for each in solved)
    tokens = sum(each.tokens for each in solved) / count
    branches = sum(each.branches for each in solved) / count
    print(
        f"{name:6} {rights} of {count} right, {tokens:.0f} tokens and {branches:.1f} branches each"
    )


def main() -> None:
    """Compare both ways on the number of problems that the options name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, help="problems")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    asyncio.run(compare_waves(args.count, args.seed))


if __name__ == "__main__":
    main()

"""Measures a model on the 400 questions: `python -m models.curriculum.measure --out FILE`.

Every question is asked as by `rm-local ask`, under one of three arms: `store` (the plan memory),
`none` (the model without hints) and `wrong` (questions of one stratum, each under a wrong hint).
Samples are kept in FILE, JSON Lines, and a stopped run continues. Prints a table with 95 %
intervals.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.curriculum.ask_runtime import SEED, ask_runtime, find_budgeted_plan, is_accepted
from models.curriculum.collect_samples import (
    add_run_options,
    collect_missing_samples,
    fingerprint_samples,
    open_runtime,
    run_measurement,
)
from models.curriculum.families import read_families
from models.curriculum.intervals import format_share_cells
from models.curriculum.texts.family_problems import draw_family_entry
from models.sample_file import SampleFile
from rm_local.engine import Message
from rm_local.runtime import Runtime

QUESTIONS = Path(__file__).parent / "questions" / "questions.jsonl"
PLANS = {"store": "memory", "none": "direct", "wrong": "memory"}
"""Name of the plan of each arm."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Result of a model for one question under one arm."""

    id: str
    arm: str
    stratum: str
    family: str | None
    result: str | None
    text: str
    right: bool
    guessed: bool
    """Whether there is a result that is not right."""
    hits: int
    tokens: int
    seconds: float

    @property
    def key(self) -> tuple[str, str]:
        """Question id and arm."""
        return self.id, self.arm


def read_questions() -> list[dict[str, Any]]:
    """Return the 400 questions, as the JSON objects of their file."""
    return [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]


def is_right_result(question: dict[str, Any], result: str | None) -> bool:
    """Return whether the result is accepted.

    For a question without a target, a result without a digit, or no result, is right.
    """
    if question["target"] is None:
        return result is None or not any(c.isdigit() for c in result)
    return is_accepted(result, [question["target"], *question["accepted"]])


async def ask_in_arm(runtime: Runtime, question: dict[str, Any], arm: str) -> Sample:
    """Ask the question in one turn under the arm.

    Earlier questions of the conversation are given with their right answers.
    """
    hint = None
    if arm == "wrong":
        hint = draw_family_entry(random.Random(SEED), read_families()[question["wrong_hint"]])
    history = [
        message
        for turn in question["earlier"]
        for message in (
            Message("user", turn["question"]),
            Message("assistant", f"Answer: {turn['answer']}"),
        )
    ]
    plan = find_budgeted_plan(PLANS[arm])
    outcome = await ask_runtime(runtime, question["question"], plan, hint=hint, history=history)
    right = is_right_result(question, outcome.result)
    return Sample(
        id=question["id"],
        arm=arm,
        stratum=question["stratum"],
        family=question["family"],
        result=outcome.result,
        text=outcome.text,
        right=right,
        guessed=outcome.result is not None and not right,
        hits=len(outcome.sources),
        tokens=outcome.tokens,
        seconds=outcome.seconds,
    )


async def measure_questions(args: argparse.Namespace) -> None:
    """Collect the samples that the options ask for, and print their table."""
    runtime = open_runtime(args)
    plans = [find_budgeted_plan(name) for name in PLANS.values()]
    wanted = {(pair[0]["id"], pair[1]): pair for pair in _list_question_arms(args.arms, args.each)}
    with SampleFile(args.out, Sample, fingerprint_samples(runtime, plans)) as file:
        try:
            samples = await collect_missing_samples(
                file, wanted, lambda pair: ask_in_arm(runtime, *pair)
            )
        finally:
            await runtime.close()
    print_table(samples)


def _list_question_arms(arms: Sequence[str], each: int) -> Iterator[tuple[dict[str, Any], str]]:
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for question in random.Random(0).sample(read_questions(), 400):
        for arm in arms:
            if arm == "wrong" and question["stratum"] != "wrong_hint":
                continue
            taken[arm, question["stratum"]] += 1
            if taken[arm, question["stratum"]] <= each:
                yield question, arm


def print_table(samples: Iterable[Sample]) -> None:
    """Print right answers and guesses by arm and stratum, with Wilson's 95 % interval."""
    groups: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.arm, sample.stratum].append(sample)
    print("| arm | stratum | questions | right | 95 % | guessed | tokens | seconds |")
    print("|---|---|---:|---:|---|---:|---:|---:|")
    for (arm, stratum), found in sorted(groups.items()):
        count = len(found)
        right, guessed = (sum(getattr(s, n) for s in found) for n in ("right", "guessed"))
        tokens = sum(s.tokens for s in found) / count
        seconds = sum(s.seconds for s in found) / count
        print(
            f"| {arm} | {stratum} | {format_share_cells(right, count)} "
            f"| {guessed / count:.1%} | {tokens:.0f} | {seconds:.1f} |"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.curriculum.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_options(parser)
    parser.add_argument("--arms", nargs="+", choices=PLANS, default=list(PLANS))
    parser.add_argument("--each", type=int, default=400, help="questions of a stratum at most")
    return run_measurement(measure_questions(parser.parse_args(arguments)))


if __name__ == "__main__":
    raise SystemExit(main())

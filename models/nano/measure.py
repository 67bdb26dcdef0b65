"""Measures how well the shipped rm-nano follows hints: `python -m models.nano.measure`.

On procedures that training never drew (the held-out families, and newly invented ones) under the
right hint, no hint, and another procedure's hint; and the same on the known families. Runs through
the engine that the app uses, sampled as the model's file recommends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from models.nano.curriculum import KNOWN, heldout, invented, list_taken_names
from models.nano.curriculum.problem import Problem
from rm_local import paths
from rm_local.engine import BranchSpec, Engine, Message, SamplingParameters, TokenChunk
from rm_local.loop import format_hint_for_thinking, format_reasoning_cue
from rm_local.records import Entry

Rng = random.Random
BUDGET = 400
"""Maximum tokens of one solution."""


def draw_fresh_problem(rng: Rng) -> Problem:
    """Draw a problem of a newly invented procedure."""
    return invented.draw_invented_problem(rng, list_taken_names())


def draw_held_out_problem(rng: Rng) -> Problem:
    """Draw a problem of a family that training never draws."""
    return rng.choice(heldout.read_procedures()).draw_problem(rng)


def draw_known_problem(rng: Rng) -> Problem:
    """Draw a problem of a family that training draws."""
    return rng.choice(KNOWN).draw_problem(rng)


ARMS: dict[str, tuple[Callable[[Rng], Problem], str]] = {
    "held-out families, right hint": (draw_held_out_problem, "right"),
    "held-out families, no hint": (draw_held_out_problem, "none"),
    "held-out families, wrong hint": (draw_held_out_problem, "wrong"),
    "invented procedures, right hint": (draw_fresh_problem, "right"),
    "invented procedures, no hint": (draw_fresh_problem, "none"),
    "invented procedures, wrong hint": (draw_fresh_problem, "wrong"),
    "known families, right hint": (draw_known_problem, "right"),
    "known families, no hint": (draw_known_problem, "none"),
    "known families, wrong hint": (draw_known_problem, "wrong"),
}


def build_forced_text(problem: Problem, hint: str, other: Entry) -> str:
    """Return the text that the loop inserts into the thinking under this kind of hint.

    `hint` is `right`, `wrong` (the entry `other`) or `none`, for which the text is empty.
    """
    if hint == "none":
        return ""
    entry = problem.entry if hint == "right" else other
    return format_reasoning_cue(
        problem.subproblem, format_hint_for_thinking(entry.subproblem, entry.subroutine)
    )


async def generate_answer(engine: Engine, problem: Problem, text: str, seed: int) -> str:
    """Return the model's answer to the problem, without its thinking, which begins with `text`."""
    info = engine.info
    assert info is not None
    sampling = SamplingParameters(info.temperature or 0.0, info.top_p or 1.0)
    await engine.open_turn([Message("user", problem.question)])
    spec = BranchSpec(text, seed, BUDGET, sampling)
    pieces = [
        p
        async for p in engine.generate_branches([spec])
        if isinstance(p, TokenChunk) and p.part == "answer"
    ]
    return "".join(piece.text for piece in pieces).strip()


async def measure_accuracy(engine: Engine, arm: str, count: int, seed: int) -> float:
    """Return the share of `count` problems of the arm with the right answer."""
    draw, hint = ARMS[arm]
    rng = random.Random(f"{arm}{seed}")
    right = 0
    for number in range(count):
        problem = draw(rng)
        said = await generate_answer(
            engine,
            problem,
            build_forced_text(problem, hint, _draw_unrelated_entry(rng, problem)),
            number,
        )
        right += said == f"Answer: {problem.answer}"
    return right / count


def _draw_unrelated_entry(rng: Rng, problem: Problem) -> Entry:
    while True:
        other = draw_held_out_problem(rng) if rng.random() < 0.5 else draw_fresh_problem(rng)
        if other.name != problem.name:
            return other.entry


async def measure_all_arms(
    model: Path, count: int, seed: int, arms: Sequence[str]
) -> dict[str, float]:
    """Measure and print the accuracy of every arm; return the shares by arm."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        async with Engine(log=Path(folder) / "worker.log") as engine:
            await engine.load_model(model)
            for arm in arms:
                found[arm] = await measure_accuracy(engine, arm, count, seed)
                print(f"{arm:34} {found[arm]:6.1%}  of {count}", flush=True)
    return found


def main() -> None:
    """Measure the model that the options name, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=paths.shipped_model())
    parser.add_argument("--count", type=int, default=200, help="problems for each arm")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()
    found = asyncio.run(measure_all_arms(args.model, args.count, args.seed, tuple(ARMS)))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Measures a model on problems of reasoning-gym: `python -m models.curriculum.gym --out FILE`.

Draws problems of 12 generators with fixed seeds and asks each unchanged, under two arms: `none`
(the model without hints) and `memory` (with a store made by `models.curriculum.build_store`).
reasoning-gym scores the results. Samples are kept in FILE, JSON Lines, and a stopped run continues.
Prints a table with 95 % intervals. Needs the extra `eval`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from models.curriculum.ask_runtime import find_budgeted_plan
from models.curriculum.collect_samples import (
    add_run_options,
    collect_missing_samples,
    fingerprint_samples,
    open_runtime,
    run_measurement,
)
from models.curriculum.gym.entries import read_gym_entries
from models.curriculum.gym.problems import SEED, VERSION, check_gym_version, draw_problems
from models.curriculum.gym.samples import (
    ARMS,
    GymSample,
    ask_problem,
    check_store_entries,
    format_table_lines,
)
from models.sample_file import SampleFile


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.curriculum.gym",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_options(parser)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--each", type=int, default=50, help="problems of a generator")
    return run_measurement(measure_arms(parser.parse_args(arguments)))


async def measure_arms(args: argparse.Namespace) -> None:
    """Collect the samples that the options ask for, and print their table."""
    check_gym_version()
    runtime = open_runtime(args)
    plans = [find_budgeted_plan(name) for name in ARMS.values()]
    made = fingerprint_samples(runtime, plans, reasoning_gym=VERSION, gym_seed=SEED)
    wanted = {
        (problem.generator, problem.number, arm): (problem, arm)
        for generator in read_gym_entries()
        for problem in draw_problems(generator, args.each)
        for arm in args.arms
    }
    with SampleFile(args.out, GymSample, made) as file:
        try:
            if "memory" in args.arms:
                await check_store_entries(runtime)
            samples = await collect_missing_samples(
                file, wanted, lambda pair: ask_problem(runtime, *pair)
            )
        finally:
            await runtime.close()
    print(*format_table_lines(samples), sep="\n")


if __name__ == "__main__":
    raise SystemExit(main())

"""Measures how a model decomposes worked trajectories: `python -m models.curriculum.decompose`.

Each trajectory is a problem of a held-out family with its solution. The model is asked for the
general subquestions, then for a hint for each, greedily; both replies are parsed strictly. Every
hint that parses becomes an entry, under which alone the model then solves other problems of the
family; the same problems are also asked without an entry. Samples are kept in --out, JSON Lines,
and a stopped run continues. Prints shares with 95 % intervals.
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
from models.curriculum.intervals import format_share_cells
from models.curriculum.try_decomposition import Decomposition, decompose_and_test
from models.curriculum.worked_trajectories import draw_trajectories
from models.sample_file import SampleFile


def format_report(found: Sequence[Decomposition]) -> list[str]:
    """Return the lines of a table with the shares of what parses and of what helps."""
    hints = [(each, hint) for each in found for hint in each.hints]
    entries = [(each, hint) for each, hint in hints if not hint["fault"]]
    solving = sum(each.has_enough_right(hint["right"]) for each, hint in entries)
    shares = {
        "trajectories that parse with all their hints": (
            sum(e.parses_completely for e in found),
            len(found),
        ),
        "lists of subquestions that parse": (sum(not e.fault for e in found), len(found)),
        "hints that parse": (len(entries), len(hints)),
        "entries under which 6 of 10 are solved": (solving, len(entries)),
        "6 of 10 are solved without an entry": (
            sum(each.has_enough_right(each.unaided) for each in found),
            len(found),
        ),
    }
    return [
        "| what | of | share | 95 % |",
        "|---|---:|---:|---|",
        *(f"| {what} | {format_share_cells(*share)} |" for what, share in shares.items()),
    ]


async def measure_decomposition(args: argparse.Namespace) -> None:
    """Collect the samples that the options ask for, and print their shares."""
    runtime = open_runtime(args)
    plans = [find_budgeted_plan(name) for name in ("direct", "memory")]
    trajectories = draw_trajectories(args.trajectories, args.others)
    wanted = {(each.family, each.number): each for each in trajectories}
    made = fingerprint_samples(runtime, plans, others=args.others)
    with SampleFile(args.out, Decomposition, made) as file:
        try:
            found = await collect_missing_samples(
                file, wanted, lambda each: decompose_and_test(runtime, each)
            )
        finally:
            await runtime.close()
    print(*format_report(found), sep="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.curriculum.decompose",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_options(parser)
    parser.add_argument("--trajectories", type=int, default=40, help="default: 40")
    parser.add_argument("--others", type=int, default=10, help="problems under each entry")
    return run_measurement(measure_decomposition(parser.parse_args(arguments)))


if __name__ == "__main__":
    raise SystemExit(main())

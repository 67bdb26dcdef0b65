"""Compare two plans on 80 everyday questions: `python -m models.compare`.

Asks `models/seed/questions/conversation.jsonl`, or another file of that folder, under both plans at
the same seeds, judges each answer by the rules of `models/compare/rules.py`, and prints a table by
kind, the paired difference with a bootstrap interval, and how often memory was silent and then
changed nothing. Each sample is a line of the file --out; a run that was stopped continues there.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

from models.compare.questions import CONVERSATION, Question, limit_per_kind, read_questions
from models.compare.report import (
    format_differences,
    format_silence,
    format_table_lines,
    has_same_tokens,
    pair_unhinted_samples,
)
from models.compare.run import ask_missing_turns, fingerprint_run, list_turns_to_ask
from models.compare.samples import Sample, read_samples
from models.sample_file import SampleFile
from models.small.base import find_smollm2
from rm_local import paths
from rm_local.errors import RmLocalError
from rm_local.library import ensure_model_file_in_thread
from rm_local.loop import Plan, find_plan
from rm_local.runtime import Runtime
from rm_local.settings import Settings

OUT = Path(__file__).with_name("run.jsonl")
SEEDS, MAX_TOKENS = 3, 96
"""Default number of seeds for each question, and default token limit of a branch."""


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m models.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, help="a GGUF, or rm-small; default: SmolLM2")
    parser.add_argument("--store", type=Path, default=paths.shipped_store())
    parser.add_argument("--plan", default="memory", help="default: memory")
    parser.add_argument("--baseline", default="direct", help="default: direct")
    parser.add_argument("--questions", type=Path, default=CONVERSATION, help="JSON Lines")
    parser.add_argument("--kinds", nargs="+", default=(), help="only these kinds of questions")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"default: {SEEDS}")
    parser.add_argument("--max-tokens", type=int, default=MAX_TOKENS, help="of one branch")
    parser.add_argument("--limit", type=int, default=0, help="questions of each kind; 0: all")
    parser.add_argument("--threads", type=int, default=0, help="as the setting; 0: by itself")
    parser.add_argument("--out", type=Path, default=OUT, help="samples, JSON Lines")
    parser.add_argument("--report", action="store_true", help="judge what --out has; ask nothing")
    parser.add_argument(
        "--silence",
        action="store_true",
        help="check only that without a hint the tokens are the baseline's; exit code 1 if not",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    chosen = parse_arguments(arguments)
    try:
        return run_comparison(chosen)
    except RmLocalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"Stopped; the same command continues with {chosen.out}.", file=sys.stderr)
        return 130


def run_comparison(chosen: argparse.Namespace) -> int:
    """Ask the questions that the file lacks, then print the report.

    Returns the exit code: 1 if `--silence` is given and the tokens of a pair without a hint differ.
    """
    questions = limit_per_kind(read_questions(chosen.questions, chosen.kinds), chosen.limit)
    names = (find_plan(chosen.plan).name, find_plan(chosen.baseline).name)
    if chosen.report:
        found = read_samples(chosen.out)
    else:
        plans = [replace(find_plan(name), max_tokens=chosen.max_tokens) for name in names]
        found = asyncio.run(_collect_samples(chosen, questions, plans))
    known = {question.id for question in questions}
    samples = [
        sample
        for sample in found.values()
        if sample.question in known and sample.plan in names and sample.seed <= chosen.seeds
    ]
    if not chosen.silence:
        _print_report(samples, questions, names)
    print(*format_silence(samples, *names), sep="\n")
    differs = not all(has_same_tokens(*pair) for pair in pair_unhinted_samples(samples, *names))
    return int(chosen.silence and differs)


async def _collect_samples(
    chosen: argparse.Namespace, questions: Sequence[Question], plans: Sequence[Plan]
) -> dict[Hashable, Sample]:
    named = chosen.model or find_smollm2()
    model = await ensure_model_file_in_thread(named, lambda _share: None, print)
    turns = list(list_turns_to_ask(questions, plans, chosen.seeds))
    with SampleFile(chosen.out, Sample, fingerprint_run(model, chosen.store, plans)) as file:
        runtime = Runtime(Settings(threads=chosen.threads), model=model, store=chosen.store)
        try:
            await ask_missing_turns(runtime, file, turns)
        finally:
            await runtime.close()
        return file.samples


def _print_report(
    samples: Sequence[Sample], questions: Sequence[Question], names: tuple[str, str]
) -> None:
    from models.compare.judge import judge_samples

    plan, baseline = names
    verdicts = judge_samples(samples, questions, baseline)
    print()
    print(*format_table_lines(verdicts, names), sep="\n")
    print()
    print(*format_differences(verdicts, plan, baseline), sep="\n")
    print()


if __name__ == "__main__":
    raise SystemExit(main())

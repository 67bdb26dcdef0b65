"""Measures rm-nano by `rm-local ask`: `python -m models.nano.asks --count 20`.

Asks problems of held-out families by `rm-local ask --json`, each in a process of its own, with the
plan of the loop and with `--plan direct`; the seed store has entries for all of them. Prints every
answer. With `--second` each is asked second in a conversation, after a problem of another family.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys

from models.nano.curriculum import heldout, imitate_typed_problem
from models.nano.curriculum.problem import Problem

PLANS = ("memory", "direct")


def draw_held_out_problems(count: int, seed: int) -> list[Problem]:
    """Draw one problem, as people type it, of each of `count` held-out families."""
    rng = random.Random(seed)
    families = rng.sample(heldout.read_procedures(), min(count, len(heldout.read_procedures())))
    return [imitate_typed_problem(rng, family.draw_problem(rng)) for family in families]


def ask_command(question: str, plan: str, seed: int, *, go_on: bool = False) -> str:
    """Return the answer of `rm-local ask`, with `--continue` if `go_on`; empty without one."""
    command = [
        sys.executable,
        "-m",
        "rm_local",
        "ask",
        "--json",
        "--plan",
        plan,
        "--seed",
        str(seed),
        *(["--continue"] if go_on else []),
        question,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    answered = [e for e in events if e["event"] == "answered"]
    if not answered:
        print(f"  no answer (exit {done.returncode}): {done.stderr.strip()}", file=sys.stderr)
    return str(answered[-1]["answer"] or "") if answered else ""


def is_right_answer(said: str, wanted: str) -> bool:
    """Return whether the last number in the answer is the wanted one."""
    numbers = re.findall(r"-?\d+", said.replace(",", ""))
    return bool(numbers) and numbers[-1] == wanted


def main() -> None:
    """Ask the problems under both plans, and print the answers and the shares of right ones."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20, help="families, one problem each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--second", action="store_true", help="ask each behind another question")
    args = parser.parse_args()
    asked, before = (
        draw_held_out_problems(args.count, args.seed),
        draw_held_out_problems(args.count, args.seed + 1),
    )
    score = dict.fromkeys(PLANS, 0)
    for number, problem in enumerate(asked, 1):
        print(f"{number:2} {problem.question}  (right: {problem.answer})")
        for plan in PLANS:
            if args.second:
                ask_command(before[number - 1].question, plan, args.seed)
            said = ask_command(problem.question, plan, args.seed, go_on=args.second)
            is_right = is_right_answer(said, problem.answer)
            score[plan] += is_right
            print(f"   {plan:7} {'right' if is_right else 'wrong'}  {said or '-'}", flush=True)
    for plan in PLANS:
        print(f"plan {plan}: {score[plan]} of {len(asked)} right, {score[plan] / len(asked):.0%}")


if __name__ == "__main__":
    main()

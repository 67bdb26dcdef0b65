"""How a model does on the questions for people: `python -m models.curriculum.measure --out FILE`.

Every question goes the way of `rm-local ask`, under one of three arms: `store` (the plan memory),
`none` (the model by itself) and `wrong` (the stratum of wrong hints, each under its wrong hint).
Samples are kept in FILE, JSON Lines, and a stopped run goes on. Prints a table with 95 % intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.curriculum.families import read_families
from models.curriculum.texts.family_problems import family_entry
from rm_local.engine import Message
from rm_local.loop import Answered, BranchFinished, Retrieved, TurnOverrides, find_plan
from rm_local.loop.answers import normalize_answer
from rm_local.records import Hit
from rm_local.runtime import Runtime
from rm_local.settings import Settings

QUESTIONS = Path(__file__).parent / "questions" / "questions.jsonl"
ARMS = ("store", "none", "wrong")
MAX_TOKENS = 400
Z = 1.96


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model made of one question under one arm."""

    id: str
    arm: str
    stratum: str
    family: str | None
    result: str | None
    text: str
    right: bool
    guessed: bool
    """Whether a result was given that is not right."""
    hits: int
    tokens: int
    seconds: float


def read_questions() -> list[dict[str, Any]]:
    """The 400 questions."""
    return [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]


def judge(question: dict[str, Any], result: str | None) -> bool:
    """Whether the result is one of the accepted ones; without a target, whether there is none."""
    if question["target"] is None:
        return result is None or not any(c.isdigit() for c in result)
    accepted = [question["target"], *question["accepted"]]
    return result is not None and normalize_answer(result) in map(normalize_answer, accepted)


async def ask(runtime: Runtime, question: dict[str, Any], arm: str, seed: int) -> Sample:
    """One turn. Questions before it are part of the conversation, with their right answers."""
    plan = replace(find_plan("none" if arm == "none" else "memory"), max_tokens=MAX_TOKENS)
    overrides = TurnOverrides(seed=seed)
    if arm == "wrong":
        family = read_families()[question["wrong_hint"]]
        hit = Hit(family_entry(random.Random(seed), family), 1.0)
        plan = replace(plan, hints=1)
        overrides = replace(overrides, pinned=(hit,))
    history = [
        message
        for turn in question["earlier"]
        for message in (
            Message("user", turn["question"]),
            Message("assistant", f"Answer: {turn['answer']}"),
        )
    ]
    began = time.perf_counter()
    result, text, tokens, hits = None, "", 0, 0
    turn = runtime.solve(question["question"], plan, overrides=overrides, history=history)
    async with aclosing(turn) as events:
        async for event in events:
            match event:
                case Answered():
                    result, text = event.answer.result, event.answer.text
                case BranchFinished():
                    tokens += event.branch.tokens
                case Retrieved():
                    hits = len(event.hits)
    right = judge(question, result)
    return Sample(
        id=question["id"],
        arm=arm,
        stratum=question["stratum"],
        family=question["family"],
        result=result,
        text=text,
        right=right,
        guessed=result is not None and not right,
        hits=hits,
        tokens=tokens,
        seconds=round(time.perf_counter() - began, 2),
    )


async def measure(settings: Settings, arms: Sequence[str], out: Path, each: int) -> list[Sample]:
    """All samples of the arms, those in the file included; `each` questions a stratum at most."""
    done = [Sample(**json.loads(line)) for line in _lines(out)]
    have = {(sample.id, sample.arm) for sample in done}
    wanted = [pair for pair in _pairs(arms, each) if (pair[0]["id"], pair[1]) not in have]
    runtime = Runtime(settings)
    began = time.perf_counter()
    try:
        for number, (question, arm) in enumerate(wanted, 1):
            sample = await ask(runtime, question, arm, 1)
            done.append(sample)
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({n: getattr(sample, n) for n in Sample.__slots__}) + "\n")
            if number % 20 == 0:
                left = (time.perf_counter() - began) / number * (len(wanted) - number) / 60
                print(f"{number} of {len(wanted)}, {left:.0f} min left", flush=True)
    finally:
        await runtime.close()
    return [sample for sample in done if sample.arm in arms]


def _pairs(arms: Sequence[str], each: int) -> Iterator[tuple[dict[str, Any], str]]:
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for question in random.Random(0).sample(read_questions(), 400):
        for arm in arms:
            if arm == "wrong" and question["stratum"] != "wrong_hint":
                continue
            taken[arm, question["stratum"]] += 1
            if taken[arm, question["stratum"]] <= each:
                yield question, arm


def print_table(samples: Iterable[Sample]) -> None:
    """Right answers and guesses by arm and stratum, in per cent, with Wilson's 95 % interval."""
    groups: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.arm, sample.stratum].append(sample)
    print("| arm | stratum | questions | right | 95 % | guessed | tokens | seconds |")
    print("|---|---|---:|---:|---|---:|---:|---:|")
    for (arm, stratum), found in sorted(groups.items()):
        count = len(found)
        right, guessed = (sum(getattr(s, n) for s in found) for n in ("right", "guessed"))
        low, high = wilson(right, count)
        tokens = sum(s.tokens for s in found) / count
        seconds = sum(s.seconds for s in found) / count
        print(
            f"| {arm} | {stratum} | {count} | {right / count:.1%} | {low:.1%} to {high:.1%} "
            f"| {guessed / count:.1%} | {tokens:.0f} | {seconds:.1f} |"
        )


def wilson(right: int, count: int) -> tuple[float, float]:
    """Bounds of the 95 % interval of a share."""
    share, z2 = right / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    width = Z * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5 / (1 + z2 / count)
    return max(0.0, middle - width), min(1.0, middle + width)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="GGUF file; without it the shipped one")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--each", type=int, default=400, help="questions of a stratum at most")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    settings = Settings(model=args.model, store=args.store, context=2048, threads=args.threads)
    print_table(asyncio.run(measure(settings, args.arms, args.out, args.each)))


if __name__ == "__main__":
    main()

"""Asks the questions under both plans, through the same runtime as the app and the commands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from models.compare.questions import Question
from models.compare.samples import Key, Sample
from models.sample_file import SampleFile
from rm_local import paths
from rm_local.engine import TokenChunk
from rm_local.loop import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Plan,
    TurnOverrides,
    get_answer_text_or_result,
)
from rm_local.records import Branch
from rm_local.runtime import Runtime


def fingerprint_run(model: Path, store: Path, plans: Sequence[Plan]) -> dict[str, Any]:
    """Return what samples depend on: hashes of model, store and code, and the plans' fields."""
    with model.open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    with store.open("rb") as file:
        entries = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "model": weights,
        "store": entries,
        "plans": [asdict(plan) for plan in plans],
        "code": hash_package_code(paths.PACKAGE),
    }


def hash_package_code(package: Path) -> str:
    """Return a hash of all Python files of the package, with their names."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0".encode())
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def list_turns_to_ask(
    questions: Sequence[Question], plans: Sequence[Plan], seeds: int
) -> Iterator[tuple[Question, Plan, int]]:
    """Yield all turns (question, plan, seed), seed by seed; the first plan alternates.

    The second turn of a pair finds the prompt evaluated, which saves it some time.
    """
    for seed in range(1, seeds + 1):
        for number, question in enumerate(questions):
            turned = (number + seed) % 2
            for plan in reversed(plans) if turned else plans:
                yield question, plan, seed


async def ask_missing_turns(
    runtime: Runtime,
    file: SampleFile[Sample],
    turns: Sequence[tuple[Question, Plan, int]],
) -> None:
    """Ask the turns without a sample in the file, one after another; print the progress."""
    missing = [turn for turn in turns if _make_key(*turn) not in file.samples]
    if not missing:
        return
    await runtime.ensure_stores_and_embedder_open()
    await runtime.load_model()
    began = perf_counter()
    for number, (question, plan, seed) in enumerate(missing, 1):
        sample = await ask_question(runtime, question, plan, seed)
        file.add_sample(sample)
        left = (perf_counter() - began) / number * (len(missing) - number)
        print(
            f"{number}/{len(missing)}  {question.id}  {plan.name}  seed {seed}  "
            f"{sample.tokens} tokens  {sample.seconds:.1f} s  ({left / 60:.1f} min left)",
            flush=True,
        )


async def ask_question(runtime: Runtime, question: Question, plan: Plan, seed: int) -> Sample:
    """Answer one question under the plan at the seed; return the sample."""
    began = perf_counter()
    turn = runtime.solve(question.question, plan, overrides=TurnOverrides(seed=seed))
    async with aclosing(turn) as stream:
        events = [event async for event in stream]
    return build_sample(question.id, plan.name, seed, events, perf_counter() - began)


def build_sample(
    question: str, plan: str, seed: int, events: Sequence[Event], seconds: float
) -> Sample:
    """Summarize the events of a turn as a sample; `seconds` is the duration of the turn."""
    answer = next((event.answer for event in events if isinstance(event, Answered)), None)
    failure = next((event.message for event in events if isinstance(event, Failed)), "")
    branches = {e.branch.index: e.branch for e in events if isinstance(e, BranchFinished)}
    shown: Branch | None = branches.get(answer.branch) if answer else None
    index = answer.branch if answer else None
    return Sample(
        question=question,
        plan=plan,
        seed=seed,
        text=get_answer_text_or_result(answer) if answer else "",
        written="".join(e.text for e in events if isinstance(e, TokenChunk) and e.branch == index),
        stop=shown.stop if shown else "",
        branch_tokens=shown.tokens if shown else 0,
        tokens=answer.tokens if answer else sum(branch.tokens for branch in branches.values()),
        seconds=seconds,
        branches=len(branches),
        hinted=sum(isinstance(e, BranchStarted) and e.hint is not None for e in events),
        hint=shown.hint.entry.subroutine if shown and shown.hint else "",
        failure=failure,
    )


def _make_key(question: Question, plan: Plan, seed: int) -> Key:
    return question.id, plan.name, seed

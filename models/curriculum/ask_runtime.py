"""Asks one question through the runtime that `rm-local ask` uses, and records the outcome."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from rm_local.engine import Message
from rm_local.errors import RmLocalError
from rm_local.loop import (
    Answered,
    BranchFinished,
    BranchStarted,
    Failed,
    Plan,
    Retrieved,
    TurnOverrides,
    find_plan,
    normalize_answer,
)
from rm_local.records import Entry, Hit
from rm_local.runtime import Runtime

MAX_TOKENS = 400
"""Maximum tokens of one branch in all measurements."""
SEED = 1


class TurnFailedError(RmLocalError):
    """A turn failed, for another reason than branches that ended without an answer."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """Answer, found entries and cost of one turn."""

    result: str | None
    """The final answer; None without one."""
    text: str
    sources: tuple[str, ...]
    """Sources of the entries that were found, best first."""
    tokens: int
    """Number of tokens written by all branches that ended."""
    seconds: float


def find_budgeted_plan(name: str) -> Plan:
    """Return the plan of that name with the token limit common to all measurements."""
    return replace(find_plan(name), max_tokens=MAX_TOKENS)


async def ask_runtime(
    runtime: Runtime,
    question: str,
    plan: Plan,
    *,
    hint: Entry | None = None,
    temperature: float | None = None,
    history: Sequence[Message] = (),
) -> TurnOutcome:
    """Ask one question; with `hint`, under that entry alone instead of the store's hits.

    If all branches end without an answer, for example at the token limit, the outcome has no
    result.

    Raises:
        TurnFailedError: The turn failed otherwise, for example because the model's process ended.
    """
    overrides = TurnOverrides(seed=SEED, temperature=temperature)
    if hint is not None:
        plan = replace(plan, hints=1)
        overrides = replace(overrides, pinned=(Hit(hint, 1.0),))
    result, text, tokens, running, ended = None, "", 0, 0, 0
    sources: tuple[str, ...] = ()
    began = time.perf_counter()
    turn = runtime.solve(question, plan, overrides=overrides, history=history)
    async with aclosing(turn) as events:
        async for event in events:
            match event:
                case Answered():
                    result, text = event.answer.result, event.answer.text
                case BranchStarted():
                    running += 1
                case BranchFinished():
                    running, ended = running - 1, ended + 1
                    tokens += event.branch.tokens
                case Retrieved():
                    sources = tuple(hit.entry.source for hit in event.hits)
                case Failed() if not ended or running or runtime.info is None:
                    raise TurnFailedError(event.message, event.remedy)
    return TurnOutcome(result, text, sources, tokens, round(time.perf_counter() - began, 2))


def is_accepted(result: str | None, accepted: Iterable[str]) -> bool:
    """Return whether the result equals an accepted answer, as the vote compares answers."""
    return result is not None and normalize_answer(result) in map(normalize_answer, accepted)

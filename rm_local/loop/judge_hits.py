"""The gate's second stage: the loaded model itself says which hits help with the question.

A plan asks for it with `judge = "model"`. It costs the evaluation of each hint once more and one
token a hint. What it is worth depends on the model (docs/design/gate.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from time import perf_counter

from rm_local.engine import BranchEnded, BranchSpec, SampledToken, Sampling
from rm_local.errors import ContextOverflow
from rm_local.loop import prompts
from rm_local.loop.branch_stream import branch_stream
from rm_local.loop.events import HitsJudged, Judgement
from rm_local.loop.hint_placement import cued
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Hit

ALTERNATIVES = 10
"""Likeliest first tokens of the model's verdict that are looked at."""


async def judge_hits(turn: TurnContext, subproblem: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits of which the model finds yes at least as likely as no; all, if the plan asks nobody.

    In the open turn each hint is read where a branch would read it, followed by the question
    whether it helps: one branch of one token a hint, in one batch over the shared prompt. Pinned
    hits stay, and so does one of which the model says neither. Emits `HitsJudged`. Raises
    EngineError; Stopped when the user stops.
    """
    if turn.plan.judge == "none" or not hits:
        return tuple(hits)
    began = perf_counter()
    found: dict[int, float | None] = {}
    try:
        async with branch_stream(turn, [_spec(turn, subproblem, hit) for hit in hits]) as stream:
            async for event in stream:
                if isinstance(event, BranchEnded) and event.logprobs:
                    found[event.branch] = yes_probability(event.logprobs[0])
    except ContextOverflow:
        found = {}  # a hint fits without the question, so nothing is lost
    turn.control.check()
    pinned = {hit.entry.id for hit in turn.overrides.pinned}
    judgements = tuple(
        Judgement(hit.entry.id, probability, _is_kept(probability) or hit.entry.id in pinned)
        for hit, probability in ((hit, found.get(n)) for n, hit in enumerate(hits))
    )
    turn.events.emit(HitsJudged(judgements, perf_counter() - began))
    return tuple(hit for hit, each in zip(hits, judgements, strict=True) if each.kept)


def yes_probability(first: SampledToken) -> float | None:
    """The probability of yes where the model begins with yes or no; None where with neither."""
    shares = {"yes": 0.0, "no": 0.0}
    for each in first.top:
        word = each.text.strip().lower()
        if word in shares:
            shares[word] += exp(each.logprob)
    both = shares["yes"] + shares["no"]
    return shares["yes"] / both if both else None


def _is_kept(probability: float | None) -> bool:
    return probability is None or probability >= 0.5


def _spec(turn: TurnContext, subproblem: str, hit: Hit) -> BranchSpec:
    procedure = prompts.hint_text(hit.entry.subproblem, hit.entry.subroutine)
    greedy = Sampling(temperature=0.0)
    if cued(turn.plan, turn.engine.info):
        text = prompts.judge_cue(subproblem, procedure)
        return BranchSpec(text, 0, 1, greedy, logprobs=ALTERNATIVES)
    note = prompts.judge_note(procedure)
    return BranchSpec("", 0, 1, greedy, logprobs=ALTERNATIVES, note=note)

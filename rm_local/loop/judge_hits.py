"""Second stage of the gate: the loaded model judges whether each hit helps with the question.

A plan enables it with `judge = "model"`. It costs one more evaluation of each hint and one token
per hint. Whether it pays off depends on the model (docs/design/gate.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from time import perf_counter

from rm_local.engine import BranchEnded, BranchSpec, SampledToken, SamplingParameters
from rm_local.errors import ContextOverflowError
from rm_local.loop import prompts
from rm_local.loop.branch_stream import open_branch_stream
from rm_local.loop.events import HitJudgement, HitsJudged
from rm_local.loop.hint_placement import puts_cue_and_hint_in_output
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Hit

VERDICT_LOGPROBS = 10
"""Number of most probable first tokens of the model's reply that are searched for yes and no."""


async def judge_and_keep_helpful_hits(
    turn: TurnContext, subproblem: str, hits: Sequence[Hit]
) -> tuple[Hit, ...]:
    """Let the model judge each hit; return those for which yes is at least as probable as no.

    In the open turn each hint stands at its place in a branch, followed by the question whether it
    helps. This is one branch of one token per hint, in one batch over the shared prompt. Pinned
    hits are kept, and so are hits without a verdict (neither yes nor no). Without a judge in the
    plan all hits are kept. Emits `HitsJudged`.

    Raises:
        EngineError: The model failed.
        CancelledByUserError: The user stopped the turn.
    """
    if turn.plan.judge == "none" or not hits:
        return tuple(hits)
    began = perf_counter()
    found: dict[int, float | None] = {}
    try:
        async with open_branch_stream(
            turn, [_build_judge_spec(turn, subproblem, hit) for hit in hits]
        ) as stream:
            async for event in stream:
                if isinstance(event, BranchEnded) and event.logprobs:
                    found[event.branch] = compute_yes_probability(event.logprobs[0])
    except ContextOverflowError:
        found = {}  # only the judging question does not fit: keep all hints
    turn.control.raise_if_stopped()
    pinned = {hit.key for hit in turn.overrides.pinned}
    judgements = tuple(
        HitJudgement(
            hit.entry.id,
            probability,
            _should_keep_hit(probability) or hit.key in pinned,
            hit.store,
        )
        for hit, probability in ((hit, found.get(n)) for n, hit in enumerate(hits))
    )
    turn.events.emit(HitsJudged(judgements, perf_counter() - began))
    return tuple(hit for hit, each in zip(hits, judgements, strict=True) if each.kept)


def compute_yes_probability(first: SampledToken) -> float | None:
    """Return p(yes) / (p(yes) + p(no)) of the first token; None if neither is a top token."""
    shares = {"yes": 0.0, "no": 0.0}
    for each in first.top:
        word = each.text.strip().lower()
        if word in shares:
            shares[word] += exp(each.logprob)
    both = shares["yes"] + shares["no"]
    return shares["yes"] / both if both else None


def _should_keep_hit(probability: float | None) -> bool:
    """Return whether a hit with this probability of yes is kept; one without a verdict is."""
    return probability is None or probability >= 0.5


def _build_judge_spec(turn: TurnContext, subproblem: str, hit: Hit) -> BranchSpec:
    """Build the branch of one token that asks the model whether the hit helps."""
    procedure = prompts.format_hint_for_thinking(hit.entry.subproblem, hit.entry.subroutine)
    greedy = SamplingParameters(temperature=0.0)
    if puts_cue_and_hint_in_output(turn.plan, turn.engine.info):
        text = prompts.format_judge_request_for_thinking(subproblem, procedure)
        return BranchSpec(text, 0, 1, greedy, logprobs=VERDICT_LOGPROBS)
    note = prompts.format_judge_request_for_message(procedure)
    return BranchSpec("", 0, 1, greedy, logprobs=VERDICT_LOGPROBS, note=note)

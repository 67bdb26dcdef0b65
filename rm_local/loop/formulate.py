"""The model names the subproblem (PAPER 1b, steps 2 and 3)."""

from __future__ import annotations

from time import perf_counter

from rm_local.engine import (
    BranchEnded,
    BranchSpec,
    ContextAdjusted,
    ContextUsage,
    Evaluated,
    TokenChunk,
)
from rm_local.loop import prompts
from rm_local.loop.branch_stream import branch_stream, sampling, seed_of
from rm_local.loop.events import Formulated, Formulating
from rm_local.loop.prefill import PrefillTimer
from rm_local.loop.subproblem import LONGEST, subproblem
from rm_local.loop.turn_context import TurnContext
from rm_local.text import one_line

MAX_TOKENS = 100
"""Tokens at most (PAPER 1b, step 3)."""


async def formulate(turn: TurnContext, question: str, timer: PrefillTimer) -> Formulated:
    """Let the model name the subproblem. Emits `Formulating` for each piece, then `Formulated`.

    It ends with the first sentence, with the model's thinking, or after MAX_TOKENS. The user's own
    subproblem is taken as it is. When the model gives none, the question stands in for it.
    Raises EngineError; Stopped when the user stops.
    """
    own = one_line(turn.overrides.subproblem or "")
    formulated = Formulated(own, 0.0, "user") if own else await _generate(turn, question, timer)
    timer.restart()
    turn.events.emit(formulated)
    return formulated


async def _generate(turn: TurnContext, question: str, timer: PrefillTimer) -> Formulated:
    began = perf_counter()
    turn.events.emit(Formulating(""))
    info = turn.engine.info
    draft = _Draft(turn.plan.thinking and (info is None or info.thinks))
    async with branch_stream(turn, [_spec(turn)]) as stream:
        async for event in stream:
            match event:
                case ContextUsage() | ContextAdjusted():
                    turn.events.emit(event)
                case Evaluated():
                    timer.add_formulation(event)
                case BranchEnded(tokens=tokens):
                    draft.tokens = tokens
                case TokenChunk() if not draft.complete:
                    if text := draft.add(event):
                        turn.events.emit(Formulating(text))
                    if draft.complete:
                        await turn.engine.cancel()
            await turn.events.drain()
    turn.control.check()
    seconds = perf_counter() - began
    if found := subproblem(draft.text, final=True):
        return Formulated(found, seconds, "model", draft.tokens)
    return Formulated(one_line(question, LONGEST), seconds, "question", draft.tokens)


def _spec(turn: TurnContext) -> BranchSpec:
    return BranchSpec(
        forced=prompts.formulation_cue(),
        seed=seed_of(turn.overrides.seed, 0),
        max_tokens=MAX_TOKENS,
        sampling=sampling(turn.plan, turn.engine.info),
    )


class _Draft:
    """What the model has written of the subproblem."""

    def __init__(self, thinks: bool) -> None:
        self.text = ""
        self.tokens = 0
        self.complete = False
        """Whether the first sentence is complete, or the model has closed its thinking."""
        self._thinks = thinks

    def add(self, chunk: TokenChunk) -> str:
        """Take the chunk; its text, or an empty one when it is no part of the subproblem."""
        self.tokens = chunk.tokens
        if self._thinks and chunk.part == "answer":
            self.complete = True
            return ""
        self.text += chunk.text
        self.complete = subproblem(self.text) is not None
        return chunk.text

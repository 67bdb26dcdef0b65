"""The model names the subproblem (PAPER 1b, steps 2 and 3)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from time import perf_counter

from rm_local.engine.protocol import BranchSpec, Ended, Piece, Room, Usage
from rm_local.loop import prompts
from rm_local.loop.branch_stream import Model, growing, sampling, seed_of
from rm_local.loop.control import Control, Steering
from rm_local.loop.events import ContextUsed, Formulated, Formulating, RoomMade, of_context
from rm_local.loop.plan import Plan
from rm_local.loop.subproblem import LONGEST, subproblem
from rm_local.text import one_line

MAX_TOKENS = 100
"""Tokens at most (PAPER 1b, step 3)."""


async def formulate(
    question: str, plan: Plan, engine: Model, steering: Steering, control: Control
) -> AsyncGenerator[Formulating | Formulated | ContextUsed | RoomMade, None]:
    """The subproblem as it is written, then as it stands.

    It ends with the first sentence, with the model's thinking, or after MAX_TOKENS. The user's own
    subproblem is taken as it is. When the model gives none, the question stands in for it.
    Raises Stopped when the user stops.
    """
    began = perf_counter()
    if steering.subproblem is not None and (own := one_line(steering.subproblem)):
        yield Formulated(own, 0.0, "user")
        return
    yield Formulating("")
    written = _Written(plan.thinking and (engine.info is None or engine.info.thinks))
    async with growing(engine, [_spec(plan, engine, steering)], control) as stream:
        async for event in stream:
            enough = written.enough
            if isinstance(event, Usage | Room):
                yield of_context(event)
                continue
            if isinstance(event, Ended):
                written.tokens = event.tokens
            elif not enough and (text := written.add(event)):
                yield Formulating(text)
            if written.enough and not enough:
                await engine.cancel()
    control.check()
    seconds = perf_counter() - began
    found = subproblem(written.text, final=True)
    if found is None:
        yield Formulated(one_line(question, LONGEST), seconds, "question", written.tokens)
    else:
        yield Formulated(found, seconds, "model", written.tokens)


def _spec(plan: Plan, engine: Model, steering: Steering) -> BranchSpec:
    return BranchSpec(
        forced=prompts.formulation(),
        seed=seed_of(steering.seed, 0),
        max_tokens=MAX_TOKENS,
        sampling=sampling(plan, engine.info),
    )


class _Written:
    """What the model has written of the subproblem."""

    def __init__(self, thinks: bool) -> None:
        self.text = ""
        self.tokens = 0
        self.enough = False
        """Whether the first sentence is complete, or the model has closed its thinking."""
        self._thinks = thinks

    def add(self, piece: Piece) -> str:
        """Take the piece; its text, or an empty one when it is no part of the subproblem."""
        self.tokens = piece.tokens
        if self._thinks and piece.part == "answer":
            self.enough = True
            return ""
        self.text += piece.text
        self.enough = subproblem(self.text) is not None
        return piece.text

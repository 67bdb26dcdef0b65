"""Starts the generation of branches: their stream of events, sampling parameters and seeds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial

from rm_local.engine import BranchEvent, BranchSpec, ModelInfo, Sampling
from rm_local.loop.plan import Plan
from rm_local.loop.turn_context import TurnContext

SEED_STRIDE = 1_000_003
"""Distance between the seeds of consecutive turns: a prime larger than any branch count."""
SEED_LIMIT = 1 << 31


@asynccontextmanager
async def branch_stream(
    turn: TurnContext, specs: Sequence[BranchSpec]
) -> AsyncIterator[AsyncGenerator[BranchEvent, None]]:
    """Generate the branches of `specs`; yield the stream of their events to the `with` statement.

    All branches end when the user stops, at the time limit of the turn, or at the end of the body.
    """
    end_in_time = partial(turn.engine.cancel, reason="time")
    async with (
        aclosing(turn.engine.generate_branches(specs)) as stream,
        turn.control.on_stop(turn.engine.cancel),
        turn.deadline.on_passed(end_in_time),
    ):
        yield stream


def choose_sampling(plan: Plan, info: ModelInfo | None) -> Sampling:
    """Return the sampling parameters recommended by the model's file, else those of the plan."""
    temperature = info.temperature if info else None
    top_p = info.top_p if info else None
    return Sampling(
        plan.temperature if temperature is None else temperature,
        plan.top_p if top_p is None else top_p,
    )


def choose_branch_sampling(turn: TurnContext, *, several: bool) -> Sampling:
    """Return the sampling of a turn's branches: the user's temperature, else `choose_sampling`.

    For several branches the temperature is at least the plan's, so that their texts differ.
    """
    drawn = choose_sampling(turn.plan, turn.engine.info)
    own = turn.overrides.temperature
    if own is not None:
        return replace(drawn, temperature=own)
    if several:
        return replace(drawn, temperature=max(drawn.temperature, turn.plan.temperature))
    return drawn


def derive_seed(turn: int, number: int) -> int:
    """Derive the seed of a turn's formulation (number 0) or of its branch `number - 1`."""
    return (turn * SEED_STRIDE + number) % SEED_LIMIT

"""Starts the generation of branches, and chooses their sampling parameters and seeds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial

from rm_local.engine import BranchEvent, BranchSpec, ModelInfo, SamplingParameters
from rm_local.loop.plan import Plan
from rm_local.loop.turn_context import TurnContext

SEED_STRIDE = 1_000_003
"""Distance between the seeds of branches under consecutive turn seeds: a prime larger than any
number of branches."""
SEED_LIMIT = 1 << 31


@asynccontextmanager
async def open_branch_stream(
    turn: TurnContext, specs: Sequence[BranchSpec]
) -> AsyncIterator[AsyncGenerator[BranchEvent, None]]:
    """Generate the branches of `specs`; give the `with` body the stream of their events.

    All branches are ended when the user stops the turn, at the turn's time limit, and after the
    body.
    """
    end_in_time = partial(turn.engine.cancel, reason="time")
    async with (
        aclosing(turn.engine.generate_branches(specs)) as stream,
        turn.control.on_stop(turn.engine.cancel),
        turn.deadline.on_passed(end_in_time),
    ):
        yield stream


def choose_model_or_plan_sampling(plan: Plan, info: ModelInfo | None) -> SamplingParameters:
    """Return temperature and top-p as the model's file recommends, else as in the plan."""
    temperature = info.temperature if info else None
    top_p = info.top_p if info else None
    return SamplingParameters(
        plan.temperature if temperature is None else temperature,
        plan.top_p if top_p is None else top_p,
    )


def choose_branch_sampling(turn: TurnContext, *, several: bool) -> SamplingParameters:
    """Return the sampling parameters for a turn's branches.

    A temperature set by the user is used; else that of `choose_model_or_plan_sampling`, with
    `several` branches at least the plan's, so that their texts differ.
    """
    drawn = choose_model_or_plan_sampling(turn.plan, turn.engine.info)
    own = turn.overrides.temperature
    if own is not None:
        return replace(drawn, temperature=own)
    if several:
        return replace(drawn, temperature=max(drawn.temperature, turn.plan.temperature))
    return drawn


def derive_seed(turn_seed: int, number: int) -> int:
    """Derive a sampling seed from the turn's seed.

    `number` 0 is the formulation of the subproblem, `number` n + 1 is the branch of index n.
    """
    return (turn_seed * SEED_STRIDE + number) % SEED_LIMIT

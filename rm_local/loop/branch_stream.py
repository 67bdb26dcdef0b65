"""What the loop needs of an engine, and how it draws tokens from one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from rm_local.engine.protocol import (
    BranchSpec,
    Ended,
    Message,
    ModelInfo,
    Piece,
    Read,
    Room,
    Sampling,
    Usage,
)
from rm_local.loop.control import Control
from rm_local.loop.plan import Plan
from rm_local.records import StopReason

Grew = Piece | Usage | Room | Ended
SEED_STRIDE = 1_000_003
"""Apart from one another lie the seeds of two turns; a prime, more than any turn has branches."""
SEED_LIMIT = 1 << 31


class Model(Protocol):
    """The part of `engine.client.Engine` that a turn uses."""

    @property
    def info(self) -> ModelInfo | None:
        """The loaded model, or None."""

    @property
    def read(self) -> Read | None:
        """What the last `open_turn` or `grow` had evaluated before anything was written; None until
        that is told."""

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_room: Callable[[Room], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> int:
        """Evaluate the messages, and open the thinking block if there is thinking; their tokens.

        `on_room` is told when room had to be made, `on_progress` what share has been read.
        """

    def grow(self, specs: Sequence[BranchSpec]) -> AsyncIterator[Grew]:
        """Grow branches of the open turn, all in one batch."""

    async def count(self, text: str) -> int:
        """Tokens of a text."""

    async def make_room(
        self,
        texts: Sequence[int],
        writing: int,
        *,
        on_room: Callable[[Room], None] | None = None,
    ) -> int:
        """Make room for forced texts of so many tokens behind the prompt, if it may be made; the
        tokens that fit there now."""

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """End these branches, or all."""


@asynccontextmanager
async def growing(
    engine: Model, specs: Sequence[BranchSpec], control: Control
) -> AsyncIterator[AsyncIterator[Grew]]:
    """What the branches write. A stop ends them all, and so does leaving the body."""
    stream = engine.grow(specs)
    try:
        async with control.on_stop(engine.cancel):
            yield _until_stopped(stream, engine, control)
    finally:
        if close := getattr(stream, "aclose", None):
            await close()


async def _until_stopped(
    stream: AsyncIterator[Grew], engine: Model, control: Control
) -> AsyncIterator[Grew]:
    """The stream; says the stop again at the first piece, for one that came before the branches."""
    told = False
    async for event in stream:
        if control.stopped and not told:
            told = True
            await engine.cancel()
        yield event


def sampling(plan: Plan, info: ModelInfo | None) -> Sampling:
    """What the model's file recommends, else what the plan says."""
    temperature = info.temperature if info else None
    top_p = info.top_p if info else None
    return Sampling(
        plan.temperature if temperature is None else temperature,
        plan.top_p if top_p is None else top_p,
    )


def seed_of(turn: int, number: int) -> int:
    """The seed of the turn's formulation (number 0) or of branch `number - 1`; never one twice."""
    return (turn * SEED_STRIDE + number) % SEED_LIMIT

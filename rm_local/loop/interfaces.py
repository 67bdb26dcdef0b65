"""What a turn needs from the rooms below: a language model, and a place where hits come from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from typing import Protocol

from rm_local.engine import BranchEvent, BranchSpec, ContextAdjusted, Message, ModelInfo, TurnOpened
from rm_local.loop.gate import GateVerdict
from rm_local.records import Hit, StopReason


class LanguageModel(Protocol):
    """The part of `engine.client.Engine` that a turn uses."""

    @property
    def info(self) -> ModelInfo | None:
        """The loaded model, or None."""

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """Evaluate the messages, and open the thinking block if there is thinking.

        `on_progress` gets the share of a long prompt that is evaluated.
        """

    def generate_branches(self, specs: Sequence[BranchSpec]) -> AsyncGenerator[BranchEvent, None]:
        """Generate branches of the open turn in one batch; closing the iterator ends them."""

    async def count_tokens(self, text: str) -> int:
        """Tokens of a text."""

    async def make_room(
        self,
        texts: Sequence[int],
        writing: int,
        *,
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
    ) -> int:
        """Make room for forced texts of so many tokens after the prompt, where that is allowed;
        the tokens that fit there now."""

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """End these branches, or all."""


class Retriever(Protocol):
    """Where hits come from; `loop.retrieve.StoreRetriever` over a store."""

    async def judge(self, question: str) -> GateVerdict:
        """Whether there is an entry that helps with `question`."""

    async def search(
        self, subproblem: str, k: int, gate: float | None, margin: float, *, question: str = ""
    ) -> tuple[Hit, ...]:
        """At most `k` hits, best first, none below the gate or more than `margin` worse than the
        best. With a `question` both are searched for, as one query; no gate is the store's own."""

    async def nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """The similarity of each text to the question, by the store's embedder."""

    async def random(self, k: int, seed: int) -> tuple[Hit, ...]:
        """`k` entries drawn at random, for the control plan."""

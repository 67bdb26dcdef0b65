"""Protocols for the two parts of a turn: a language model and a retriever."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from typing import Protocol

from rm_local.engine import BranchEvent, BranchSpec, ContextAdjusted, Message, ModelInfo, TurnOpened
from rm_local.loop.gate import GateVerdict
from rm_local.records import Hit, StopReason


class LanguageModel(Protocol):
    """Interface of a language model for a turn; `engine.client.Engine` implements it."""

    @property
    def info(self) -> ModelInfo | None:
        """Description of the loaded model, or None."""

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """Evaluate the messages, and open the thinking block if the model thinks.

        `on_progress` is called with the evaluated share of a long prompt.
        """

    def generate_branches(self, specs: Sequence[BranchSpec]) -> AsyncGenerator[BranchEvent, None]:
        """Generate branches of the open turn in one batch; closing the iterator ends them."""

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of a text."""

    async def make_room(
        self,
        texts: Sequence[int],
        writing: int,
        *,
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
    ) -> int:
        """Make room in the context as far as the settings allow; return the tokens that fit now.

        The room follows the prompt: for forced texts of `texts` tokens each, and `writing` tokens
        of output.
        """

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """End these branches; None = all branches."""


class Retriever(Protocol):
    """Interface of a search for hits; `loop.retrieve.StoreRetriever` implements it for a store."""

    async def judge_question(self, question: str) -> GateVerdict:
        """Judge whether the store has an entry that helps with `question`."""

    async def search(
        self, subproblem: str, k: int, gate: float | None, margin: float, *, question: str = ""
    ) -> tuple[Hit, ...]:
        """Find at most `k` hits, best first.

        A hit has a similarity of at least `gate` (None: the store's own minimum) and a score at
        most `margin` below the best. With a `question` both texts form one query.
        """

    async def measure_nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """Measure the similarity of each text to the question with the store's embedder."""

    async def draw_entries(self, k: int, seed: int) -> tuple[Hit, ...]:
        """Choose `k` entries at random, for the control plan `random-hints`."""

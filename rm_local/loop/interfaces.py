"""Interfaces of the language model and the retriever that a turn uses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from typing import Protocol

from rm_local.engine import (
    BranchEvent,
    BranchSpec,
    ContextOverflowReport,
    Message,
    ModelInfo,
    TurnOpened,
)
from rm_local.loop.gate import GateVerdict
from rm_local.records import Hit, StopReason


class LanguageModel(Protocol):
    """Interface of the language model that a turn uses; `engine.client.Engine` implements it."""

    @property
    def info(self) -> ModelInfo | None:
        """Description of the loaded model; None if it is not known."""

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """Begin a turn: evaluate the messages, and open the thinking block if the model thinks.

        `effort` is the amount of thinking. `on_overflow` is called with changes of the context,
        `on_progress` with the evaluated share, 0 to 1, of a long prompt.
        """

    def generate_branches(self, specs: Sequence[BranchSpec]) -> AsyncGenerator[BranchEvent, None]:
        """Generate branches of the open turn in one batch, and yield their events.

        Closing the generator ends the branches.
        """

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of a text."""

    async def make_room_and_count_free_tokens(
        self,
        text_lengths: Sequence[int],
        writing: int,
        *,
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
    ) -> int:
        """Make room in the context as far as the settings allow; return the number of free tokens.

        Room is needed after the prompt: for forced texts, whose numbers of tokens `text_lengths`
        lists, and for `writing` tokens of output.
        """

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """End these branches by index, with this stop reason; None = all branches."""


class Retriever(Protocol):
    """Interface of the search that a turn uses; `loop.retrieve.StoreRetriever` implements it."""

    async def judge_question(self, question: str) -> GateVerdict:
        """Decide whether the store has an entry that helps with `question`."""

    async def search(
        self,
        subproblem: str,
        k: int,
        min_similarity: float | None,
        max_score_gap: float,
        *,
        question: str = "",
    ) -> tuple[Hit, ...]:
        """Find at most `k` hits, best first.

        A hit has a similarity of at least `min_similarity` (None: the store's own minimum) and a
        score at most `max_score_gap` below the best. With a `question` both texts form one query.
        """

    async def measure_nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """Return the similarity of each text to the question, by the store's embedder."""

    async def draw_random_hits(self, k: int, seed: int) -> tuple[Hit, ...]:
        """Choose `k` entries at random by `seed`, for the control plan `random-hints`."""

"""What a turn reads before it reasons, and how long it is until it does."""

from __future__ import annotations

from time import perf_counter

from rm_local.engine.protocol import Read
from rm_local.loop.branch_stream import Model
from rm_local.loop.events import Formulated, Prefilled
from rm_local.records import Reading


class Readings:
    """Takes down what the engine says that it read, stage by stage."""

    def __init__(self, engine: Model) -> None:
        self._engine = engine
        self._prompt = 0
        self._reads: list[Read | None] = []
        self._since = 0.0
        self._told = False

    def opened(self, prompt: int) -> None:
        """The prompt of so many tokens is read."""
        self._prompt = prompt
        self._reads.append(self._engine.read)
        self._since = perf_counter()

    def formulated(self, event: Formulated) -> None:
        """The subproblem stands."""
        if event.author != "user":
            self._reads.append(self._engine.read)
        self._since = perf_counter()

    def begun(self) -> Prefilled | None:
        """Some branch has written something; what was read by then, once, if the engine told."""
        told, self._told = self._told, True
        before = [read for read in self._reads if read is not None]
        now = self._engine.read
        if told or now is None or not before:
            return None
        return Prefilled(
            Reading(
                prompt=self._prompt,
                prompt_read=sum(read.prompt for read in before),
                prompt_last=now.prompt,
                hints_read=now.forced,
                prompt_seconds=before[0].seconds,
                hints_seconds=now.seconds,
                first_token_seconds=perf_counter() - self._since,
            )
        )

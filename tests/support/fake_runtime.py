"""The real runtime over a fake engine and fake hits; or one that plays events of a script."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from rm_local.engine.protocol import Message, ModelInfo
from rm_local.errors import RmLocalError
from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.events import Answered, Event, Failed
from rm_local.loop.plan import Plan
from rm_local.records import Hit
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    FakeEngine,
)

STOPPED = Failed("Stopped before there was an answer.", "", 130)


@dataclass(frozen=True, slots=True)
class Solved:
    """What a turn was asked with."""

    question: str
    plan: Plan
    overrides: TurnOverrides
    history: tuple[Message, ...]


class FakeRuntime(Runtime):
    """`rm_local.runtime.Runtime` without a model and a store.

    Without `events` the real loop solves over `engine` and `recall`. With them each turn plays
    these events; a script that does not end the turn waits for the stop and then plays `stopped`.
    """

    def __init__(
        self,
        engine: FakeEngine | None = None,
        recall: FakeRecall | None = None,
        *,
        events: Sequence[Event] | None = None,
        stopped: Sequence[Event] = (STOPPED,),
        entries: int | None = None,
        settings: Settings = Settings(),  # noqa: B008 (frozen)
        model_error: RmLocalError | None = None,
        store_error: RmLocalError | None = None,
    ) -> None:
        """`model_error` and `store_error` are what opening the model and the store raises."""
        super().__init__(settings, model=Path("fake.gguf"), store=Path("fake.rms"))
        self._engine = engine or FakeEngine()  # type: ignore[assignment]
        self.recall = recall or FakeRecall()
        self.events = events
        self.stopped = stopped
        self.model_error = model_error
        self.store_error = store_error
        self.solved: list[Solved] = []
        self.control: TurnControl | None = None
        """Stops the turn that was asked last."""
        self.closed = False
        self._entries_when_open = len(self.recall.hits) if entries is None else entries

    @property
    def engine(self) -> FakeEngine:  # type: ignore[override]
        """The fake engine, also after the end."""
        assert isinstance(self._engine, FakeEngine)
        return self._engine

    @property
    def questions(self) -> list[str]:
        """What was asked, in order."""
        return [solved.question for solved in self.solved]

    async def _prepare_and_load_model(self) -> ModelInfo:
        if self.model_error is not None:
            raise self.model_error
        return await super()._prepare_and_load_model()

    async def _open_stores_and_embedder(self, active: Sequence[Path]) -> FakeRecall:  # type: ignore[override]
        if self.store_error is not None:
            raise self.store_error
        self._entries = self._entries_when_open
        return self.recall

    async def search(self, text: str, k: int = 10, **how: object) -> tuple[Hit, ...]:
        """The recall's hits, however far."""
        return await (await self.ensure_stores_and_embedder_open()).search(text, k, -1.0)

    async def solve(
        self,
        question: str,
        plan: Plan,
        *,
        history: Sequence[Message] = (),
        overrides: TurnOverrides = TurnOverrides(),  # noqa: B008 (frozen)
        control: TurnControl | None = None,
    ) -> AsyncGenerator[Event, None]:
        """The real loop's events, or the script's."""
        self.solved.append(Solved(question, plan, overrides, tuple(history)))
        self.control = control = control or TurnControl()
        if self.events is None:
            stream = super().solve(
                question, plan, history=history, overrides=overrides, control=control
            )
        else:
            stream = self._play(list(self.events), control)
        async with aclosing(stream) as events:
            async for event in events:
                yield event

    async def _play(self, events: list[Event], control: TurnControl) -> AsyncGenerator[Event, None]:
        for event in events:
            yield event
        if not events or not isinstance(events[-1], Answered | Failed):
            await control._event.wait()
            for event in self.stopped:
                yield event

    async def close(self) -> None:
        """End as the real one does; what the engine was asked can still be read."""
        self.closed = True
        engine, self._retriever = self._engine, None
        await super().close()
        self._engine = engine

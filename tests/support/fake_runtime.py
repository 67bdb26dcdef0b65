"""A runtime without a model or a store: the real loop over fake parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.engine.protocol import ModelInfo
from rm_local.errors import RmLocalError
from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.events import failed
from rm_local.loop.solve import solve
from rm_local.records import Hit, Trace
from rm_local.sessions import Turns, replay
from rm_local.store.request import ANY_ENTRY, EntryFilter
from tests.support.fakes import FakeEngine, FakeRecall

if TYPE_CHECKING:
    from rm_local.loop.events import Event
    from rm_local.loop.plan import Plan
    from rm_local.settings import Settings


class FakeRuntime:
    """`rm_local.runtime.Runtime` over a fake engine and recall: the real loop, no journal."""

    def __init__(
        self,
        engine: FakeEngine | None = None,
        recall: FakeRecall | None = None,
        *,
        settings: Settings | None = None,
        model: Path = Path("fake.gguf"),
        store: Path = Path("fake.rms"),
        model_error: RmLocalError | None = None,
        memory_error: RmLocalError | None = None,
    ) -> None:
        """`model_error` and `memory_error` are what opening the model and the store raises."""
        self.engine = engine or FakeEngine()
        self.recall = recall or FakeRecall()
        self.settings = settings
        self.model = model
        self.store = store
        self.model_error = model_error
        self.memory_error = memory_error
        self.solved: list[tuple[str, Plan, TurnOverrides]] = []
        self.sessions = 1
        self.session: Path | None = None
        """As Runtime's, but that nothing is written."""
        self._turns = Turns()
        self.warn: Callable[[str], None] = lambda _message: None
        self.on_loading: Callable[[float], None] | None = None
        self.on_unload: Callable[[], object] = lambda: None
        self.entries: int | None = None
        """As Runtime's: None until the memory is opened."""

    @property
    def info(self) -> ModelInfo | None:
        """The loaded model, or None."""
        return self.engine.info

    async def load_model(self, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
        """The model, loaded on the first call."""
        if self.model_error is not None:
            raise self.model_error
        return self.engine.info or await self.engine.load(self.model, on_progress=on_progress)

    async def open_memory(self) -> FakeRecall:
        """The recall."""
        if self.memory_error is not None:
            raise self.memory_error
        self.entries = len(self.recall.hits)
        return self.recall

    @property
    def turn(self) -> int:
        """Number of the turn asked last."""
        return self._turns.last

    def new_session(self) -> None:
        """Counts."""
        self.sessions += 1
        self._turns = Turns()

    def resume(self, path: Path) -> list[Trace]:
        """A saved session's turns, which the next ones follow."""
        self.session, saved = path, replay(path)
        self._turns = Turns(saved)
        return saved

    async def solve(
        self,
        question: str,
        plan: Plan,
        *,
        steering: TurnOverrides = TurnOverrides(),  # noqa: B008 (frozen)
        control: TurnControl | None = None,
        after: int = 0,
    ) -> AsyncIterator[Event]:
        """The real loop's events; a model or store that does not open is a `Failed`."""
        self.solved.append((question, plan, steering))
        self._turns.ask(question, after)
        try:
            recall = await self.open_memory() if plan.retrieval in ("memory", "random") else None
            await self.load_model(self.on_loading)
        except RmLocalError as error:
            yield failed(error)
            return
        takes = self.info is not None and self.info.converses
        history = self._turns.history(after) if takes else ()
        async for event in solve(
            question, plan, self.engine, recall,
            overrides=steering, control=control, history=history,
        ):  # fmt: skip
            self._turns.take(event)
            yield event

    async def search(
        self, text: str, k: int = 10, *, filter: EntryFilter = ANY_ENTRY, breadth: float = 1.0
    ) -> tuple[Hit, ...]:
        """The recall's hits, without a gate; neither filtered nor more for a greater breadth."""
        return await (await self.open_memory()).search(text, k, -1.0)

    async def close(self) -> None:
        """Closes the engine."""
        await self.engine.close()

"""What every face runs on: settings, engine, store and embedder, each opened once, when needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local import settings as places
from rm_local.engine.protocol import ModelInfo
from rm_local.errors import HomeMissing, RmLocalError
from rm_local.folders import Notices
from rm_local.idle_timer import Idle
from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.events import Event, failed
from rm_local.loop.plan import Plan
from rm_local.loop.solve import solve
from rm_local.records import Hit, Trace
from rm_local.sessions.journal import Journal
from rm_local.sessions.replay import replay
from rm_local.sessions.turn_tree import Turns
from rm_local.settings import Settings
from rm_local.store.request import ANY_ENTRY, EntryFilter

if TYPE_CHECKING:
    from rm_local.engine.client import Engine
    from rm_local.loop.retrieve import StoreRetriever

NO_GATE = -1.0
"""A gate that every hit passes."""


class Runtime:
    """The parts, and the two things that a face does with them: `solve` and `search`.

    The model's process starts with the first thing that needs it, ends when nothing has been asked
    for the settings' `idle_unload` minutes, and starts again. Not for several event loops.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        model: Path | None = None,
        store: Path | None = None,
        warn: Callable[[str], None] = lambda _message: None,
    ) -> None:
        """`model` and `store` go before the settings'; `warn` gets what is no error of a turn."""
        self.settings = settings
        self.model = model or settings.model or places.shipped_model()
        self.store = store or settings.store or places.shipped_store()
        self.warn = warn
        self._notices = Notices(self._warn)
        self.on_loading: Callable[[float], None] | None = None
        """Gets shares from 0 to 1 while a turn loads the model."""
        self.on_unload: Callable[[], object] = lambda: None
        """Called when the model was unloaded because nothing was asked."""
        self.idle = Idle(settings.idle_unload * 60, self.unload)
        self._engine: Engine | None = None
        self._retriever: StoreRetriever | None = None
        self._entries: int | None = None
        self._journal: Journal | None = None
        self._turns = Turns()
        self._opening_model = asyncio.Lock()
        self._opening_memory = asyncio.Lock()

    @property
    def engine(self) -> Engine:
        """The engine; its process is not started by asking for it."""
        if self._engine is None:
            from rm_local.engine.client import Engine

            self._engine = Engine(
                self.settings.engine_options(),
                log=self._notices.find_log(),
                unlogged=partial(self._notices.report, "the model's log"),
            )
        return self._engine

    @property
    def info(self) -> ModelInfo | None:
        """The loaded model; None before it is loaded, and after its process died."""
        return self._engine.info if self._engine and self._engine.worker else None

    @property
    def entries(self) -> int | None:
        """How many entries the store holds; None before it is opened."""
        return self._entries

    @property
    def session(self) -> Path | None:
        """The file that the current session is saved in; None before its first question, and
        where it cannot be saved."""
        return self._journal.path if self._journal and self._journal.begun else None

    @property
    def turn(self) -> int:
        """Number, in the current session, of the turn that was asked last; 0 before the first."""
        return self._turns.last

    async def load_model(self, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
        """Load the model, unless it is loaded; `on_progress` gets shares from 0 to 1.

        What was done otherwise than asked for goes to `warn`. Raises ModelMissing, ModelInvalid,
        EngineError.
        """
        with self.idle.busy():
            async with self._opening_model:
                return self.info or await self._loaded(on_progress or self.on_loading)

    async def _loaded(self, on_progress: Callable[[float], None] | None) -> ModelInfo:
        info = await self.engine.load(self.model, on_progress=on_progress)
        for note in info.notes:
            self.warn(note)
        return info

    async def unload(self) -> None:
        """Give the memory of model and embedder back: their process ends.

        What asks for them next starts it again. Not while anything is under way.
        """
        if self._engine and self._engine.worker:
            await self._engine.close()
            self.on_unload()

    async def open_memory(self) -> StoreRetriever:
        """Open the store, unless it is open, then load the query embedder that it names.

        Raises StoreMissing and the other StoreErrors, EngineError.
        """
        with self.idle.busy():
            async with self._opening_memory:
                if self._retriever is None:
                    self._retriever = await self._opened_memory()
                return self._retriever

    async def _opened_memory(self) -> StoreRetriever:
        from rm_local.embed.query import query_embedder
        from rm_local.loop.retrieve import StoreRetriever
        from rm_local.store.store import Store

        store = await asyncio.to_thread(Store.open, self.store)
        try:
            info = await asyncio.to_thread(store.info)
            await asyncio.to_thread(store.warm)
            embedder = await query_embedder(
                self.store,
                info.embedder,
                lambda: self.engine,
                partial(self._notices.report, "the embedder's file"),
            )
        except BaseException:
            store.close()
            raise
        self._entries = info.entries
        return StoreRetriever(embedder, store)

    async def solve(
        self,
        question: str,
        plan: Plan,
        *,
        steering: TurnOverrides = TurnOverrides(),  # noqa: B008 (frozen)
        control: TurnControl | None = None,
        after: int = 0,
    ) -> AsyncGenerator[Event, None]:
        """The turn's events as they happen, each saved before it is given out.

        `after` is the number of the turn of this session whose conversation goes on, 0 for none;
        the model reads its questions and answers if it takes conversations. What is missing is
        opened first, the store before the model; when that fails, the turn is one Failed.
        UsageError when there is no turn `after`.
        """
        control = control or TurnControl()
        turns, number = self._turns, self._turns.ask(question, after)
        journal = self._journal = self._journal or self._new_journal()
        journal.ask(question, plan.name, steering.seed, turn=number, after=after)
        turn = self._turn(question, plan, steering, control, after)
        with self.idle.busy():
            async with aclosing(turn) as events:
                async for event in events:
                    journal.write(event)
                    turns.take(event)
                    yield event

    async def _turn(
        self,
        question: str,
        plan: Plan,
        steering: TurnOverrides,
        control: TurnControl,
        after: int,
    ) -> AsyncGenerator[Event, None]:
        try:  # nothing is opened for an empty question, which the loop refuses
            recall = await control.race(self._open_for(plan)) if question.strip() else None
            takes = self.info is not None and self.info.converses
        except RmLocalError as error:
            yield failed(error)
            return
        turn = solve(
            question,
            plan,
            self.engine,
            recall,
            overrides=steering,
            control=control,
            history=self._turns.history(after) if takes else (),
        )
        async with aclosing(turn) as events:
            async for event in events:
                yield event

    async def _open_for(self, plan: Plan) -> StoreRetriever | None:
        """What the plan needs: the cheap thing that may be missing first."""
        recall = await self.open_memory() if plan.retrieval in ("random", "memory") else None
        await self.load_model()
        return recall

    async def search(
        self,
        text: str,
        k: int = 10,
        *,
        filter: EntryFilter = ANY_ENTRY,
        breadth: float = 1.0,
    ) -> tuple[Hit, ...]:
        """At most `k` hits for `text`, best first, however far; the model is not loaded for it.

        `filter` and `breadth` are those of `SearchRequest`. Raises StoreError, EngineError.
        """
        with self.idle.busy():
            retriever = await self.open_memory()
            return await retriever.search(text, k, NO_GATE, filter=filter, breadth=breadth)

    def new_session(self) -> None:
        """Save what comes next in a file of its own; it follows nothing."""
        if self._journal:
            self._journal.close()
        self._journal, self._turns = None, Turns()

    def resume(self, path: Path) -> list[Trace]:
        """Go on with a saved session; its turns. What comes next is saved behind them.

        UsageError when the file is no session or is open elsewhere; the current session then
        stays.
        """
        if self._journal and self._journal.path == path:
            return replay(path)
        journal = Journal.reopen(path, **self._named(), warn=self._warn, unsaved=self._unsaved)
        saved = replay(path)
        self.new_session()
        self._journal, self._turns = journal, Turns(saved)
        return saved

    async def close(self) -> None:
        """End the model's process and close the files; closing twice is allowed."""
        await self.idle.close()
        self.new_session()
        if self._retriever:
            self._retriever.store.close()
        if self._engine:
            await self._engine.close()
        self._retriever = self._engine = None

    def _new_journal(self) -> Journal:
        try:
            folder = places.sessions_dir()
        except HomeMissing as error:
            self._unsaved(error)
            folder = None
        return Journal(folder, **self._named(), warn=self._warn, unsaved=self._unsaved)

    def _unsaved(self, error: OSError | HomeMissing) -> None:
        self._notices.report("sessions", error)

    def _named(self) -> dict[str, str]:
        return {"model": str(self.model), "store": str(self.store)}

    def _warn(self, message: str) -> None:
        self.warn(message)

"""Opens the engine, the store and the embedder when needed, and solves questions with them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.active_stores import list_active_stores, name_stores
from rm_local.engine import Message, ModelInfo
from rm_local.errors import RmLocalError, StoreError
from rm_local.folders import UnsavedFilesReporter
from rm_local.idle_timer import IdleTimer
from rm_local.library import choose_preferred_or_shipped_model, ensure_model_file_in_thread
from rm_local.loop import (
    Event,
    ModelLoading,
    ModelUnloaded,
    Notice,
    Plan,
    RunEvent,
    RunEventRouter,
    TurnControl,
    TurnOverrides,
    TurnQueue,
    make_failed_event,
)
from rm_local.lora import LoraAdapter, drop_adapters_with_zero_scale
from rm_local.paths import shipped_model
from rm_local.records import Hit
from rm_local.settings import Settings
from rm_local.store import ANY_ENTRY, EntryFilter

if TYPE_CHECKING:
    from rm_local.engine import Engine
    from rm_local.library import FirstSteps
    from rm_local.loop import StoreRetriever
    from rm_local.store import StoreSet

NO_GATE = -1.0
"""Minimum similarity for a search that leaves out no hit: no similarity is lower."""


class Runtime:
    """The engine, the store and the embedder, opened when `solve` or `search` needs them.

    Any number of sessions can use one runtime at the same time; the engine solves their turns one
    after another. The model's process starts when it is first needed, ends after the setting
    `idle_unload_minutes` without a question, and starts again with the next one. For one event
    loop.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        model: Path | None = None,
        store: Path | Sequence[Path] | None = None,
        lora: Sequence[LoraAdapter] | None = None,
    ) -> None:
        """Create the runtime; nothing is opened yet.

        `model`, `store` (one or several) and `lora` (adapters) override the settings. With a
        `model` the adapters of the settings are ignored.
        """
        self.settings = settings
        chosen = (() if model else settings.lora) if lora is None else lora
        self._lora = drop_adapters_with_zero_scale(chosen)
        named, default = model or settings.model, choose_preferred_or_shipped_model()
        self.model = named or default.model
        """Path of the model's file, or name of an embedded model."""
        self._uses_default = named is None
        named_stores = (store,) if isinstance(store, Path) else tuple(store or ())
        self._named_stores = named_stores or settings.stores
        self.unsaved_files_reporter = UnsavedFilesReporter(self.publish_notice_once)
        """Reports files that cannot be saved, once per run."""
        self.idle = IdleTimer(settings.idle_unload_minutes * 60, self.unload_model)
        self._engine: Engine | None = None
        self._retriever: StoreRetriever | None = None
        self._opened_stores: tuple[Path, ...] = ()
        self._open_sets: list[StoreSet] = []
        """All opened sets: a search can still use an earlier one."""
        self._entries: int | None = None
        self._queue = TurnQueue()
        self._run_events = RunEventRouter()
        self._opening_model = asyncio.Lock()
        self._opening_store = asyncio.Lock()
        if self._uses_default and default.notice:
            self.publish_notice_once(default.notice)

    @property
    def engine(self) -> Engine:
        """The client of the model's process, created at first use; its process is not started."""
        if self._engine is None:
            from rm_local.engine import Engine

            self._engine = Engine(
                self.settings.build_engine_options(),
                log=self.unsaved_files_reporter.get_worker_log_path_or_report(),
                unlogged=partial(
                    self.unsaved_files_reporter.report_unsaved_kinds_once, "the model's log"
                ),
            )
        return self._engine

    @property
    def stores(self) -> tuple[Path, ...]:
        """Paths of the stores that are searched as one."""
        return list_active_stores(self._named_stores)

    @property
    def store(self) -> Path:
        """Path of the first of the stores."""
        return self.stores[0]

    @property
    def info(self) -> ModelInfo | None:
        """Description of the loaded model; None while no model is loaded."""
        return self._engine.info if self._engine and self._engine.worker_pid else None

    @property
    def entries(self) -> int | None:
        """Number of entries in the stores; None before they are opened."""
        return self._entries

    def watch_events_between_turns(self) -> AsyncGenerator[RunEvent, None]:
        """Yield notices and events of the model that occur between turns, from now until `close`.

        During a turn these events are in the stream of `solve` instead.
        """
        return self._run_events.watch_events_between_turns()

    def publish_notice_once(self, text: str) -> None:
        """Publish a notice to the user as an event, unless the same text was published before.

        Other packages get this method as a callback.
        """
        self._run_events.deliver_to_turn_or_watchers(Notice(text))

    async def load_model(self) -> ModelInfo:
        """Load the model, unless it is loaded; return its description.

        The progress is published as `ModelLoading` events.

        Raises:
            ModelNotFoundError, InvalidModelError: There is no file to load.
            EngineError: The model cannot be loaded.
        """
        with self.idle.mark_busy():
            async with self._opening_model:
                return self.info or await self._prepare_and_load_model()

    async def _prepare_and_load_model(self) -> ModelInfo:
        """Prepare the model's file, hash its adapters, load it, and publish its notices."""
        from rm_local.gguf import check_is_ordinary_file

        def publish_progress(share: float) -> None:
            self._run_events.deliver_to_turn_or_watchers(ModelLoading(share))

        file = await ensure_model_file_in_thread(
            self.model,
            publish_progress,
            self.publish_notice_once,
            is_default=self._uses_default,
        )
        # The worker process has no descriptors of this one, such as that of `<(command)`.
        if os.path.exists(file):  # False, too, for a path that is too long
            check_is_ordinary_file(file, "model")
        for path in (Path(adapter.path) for adapter in self._lora):
            if os.path.exists(path):
                check_is_ordinary_file(path, "adapter")
        lora, name = await asyncio.gather(
            self.add_adapter_hashes_if_readable(),
            asyncio.to_thread(self._find_model_name_or_empty, file),
        )
        info = await self.engine.load_model(
            file, lora=lora, name=name, on_progress=publish_progress
        )
        for note in info.notes:
            self.publish_notice_once(note)
        return info

    def _find_model_name_or_empty(self, file: Path) -> str:
        """Return the name of the model in `file` as in the list of models; empty if unreadable."""
        from rm_local.library import derive_model_name_without_place

        try:
            return derive_model_name_without_place(
                self.settings, file if file == shipped_model() else self.model
            )
        except (RmLocalError, OSError):
            return ""  # loading it reports the reason

    async def add_adapter_hashes_if_readable(self) -> tuple[LoraAdapter, ...]:
        """Hash the files of the model's adapters; return the adapters with their sha256.

        Each file is hashed once; loading refuses a file that changes later. The sha256 of an
        unreadable file stays empty: loading the model then raises the error.
        """
        if any(not adapter.sha256 for adapter in self._lora):
            from rm_local.gguf import add_missing_adapter_hash_if_readable

            self._lora = await asyncio.to_thread(
                lambda: tuple(map(add_missing_adapter_hash_if_readable, self._lora))
            )
        return self._lora

    async def find_first_steps_unless_model_named(self) -> FirstSteps | None:
        """Find what to show a user who named no model; None if they named one.

        The folders of other programs are searched in a thread.
        """
        if not self._uses_default:
            return None
        from rm_local.library import find_first_steps

        return await asyncio.to_thread(find_first_steps, self.settings, self.model)

    async def unload_model(self) -> None:
        """Free the memory of model and embedder by ending their process.

        The next question starts the process again. Do not call it during a turn or a search.
        """
        if self._engine and self._engine.worker_pid:
            await self._engine.close()
            self._run_events.deliver_to_turn_or_watchers(ModelUnloaded())

    async def ensure_stores_and_embedder_open(self) -> StoreRetriever:
        """Open the stores and load their embedder, unless that is done; return the retriever.

        They are opened again when the user's own store was made since. Without named stores, one
        that cannot be used is left out with a notice, as long as another can.

        Raises:
            StoreError: A named store cannot be opened, or none of the stores can.
            EngineError: The embedder cannot be loaded.
        """
        with self.idle.mark_busy():
            async with self._opening_store:
                active = self.stores
                if self._retriever is None or active != self._opened_stores:
                    self._retriever = await self._open_stores_and_embedder(active)
                    self._opened_stores = active
                return self._retriever

    async def _open_stores_and_embedder(self, active: Sequence[Path]) -> StoreRetriever:
        """Open the stores `active`, load their embedder, and combine both as a retriever."""
        from rm_local.embed import open_query_embedder
        from rm_local.loop import StoreRetriever
        from rm_local.store import Store, StoreSet

        skip = None if self._named_stores else self._report_skipped_store
        stores = await asyncio.to_thread(lambda: StoreSet.open(active, name_stores(active), skip))
        try:
            first = await asyncio.to_thread(stores.stores[0].read_info)
            await asyncio.to_thread(stores.ask_each_skipping_failed, Store.preload_centroids)
            entries = await asyncio.to_thread(stores.count_entries)
            embedder = await open_query_embedder(first.path, first.embedder, lambda: self.engine)
        except BaseException:
            stores.close()
            raise
        self._open_sets.append(stores)
        self._entries = entries
        return StoreRetriever(embedder, stores)

    def _report_skipped_store(self, error: StoreError) -> None:
        """Publish the notice that a store is left out, with its error and remedy."""
        self.publish_notice_once(f"{error} It is not searched.")

    async def solve(
        self,
        question: str,
        plan: Plan,
        *,
        history: Sequence[Message] = (),
        overrides: TurnOverrides = TurnOverrides(),  # noqa: B008 (frozen)
        control: TurnControl | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Solve a question: yield the turn's events; the last is Answered or Failed.

        `history` is the conversation so far, for a model that supports conversations. The turn
        waits for earlier ones. Then the store and the model are opened, unless they are open; if
        that fails, the only event is Failed. Close the generator if it is not read to its end:
        until then no other turn begins.
        """
        from rm_local.loop import solve  # not needed before the app is drawn

        control = control or TurnControl()
        with self.idle.mark_busy():
            try:
                async with self._queue.wait_for_and_hold_turn(control):
                    with self._run_events.route_events_to_turn() as run_events:
                        opening = control.run_unless_stopped(
                            self._open_store_and_model(question, plan)
                        )
                        opened = asyncio.ensure_future(opening)
                        async with aclosing(
                            run_events.follow_until_done_or_cancel(opened)
                        ) as published:
                            async for run_event in published:
                                yield run_event
                        turn = solve(
                            question,
                            plan,
                            self.engine,
                            opened.result(),
                            overrides=overrides,
                            control=control,
                            history=history if self.info and self.info.converses else (),
                        )
                        async with aclosing(turn) as events:
                            async for event in events:
                                for run_event in run_events.take_events():
                                    yield run_event
                                yield event
            except RmLocalError as error:
                yield make_failed_event(error)

    async def _open_store_and_model(self, question: str, plan: Plan) -> StoreRetriever | None:
        """Open the store, if the plan needs it, then load the model.

        Return the retriever over the store, or None. The store is opened first, so that a wrong
        path is reported at once. For an empty question nothing is opened: `solve` refuses it.
        """
        if not question.strip():
            return None
        retriever = await self.ensure_stores_and_embedder_open() if plan.needs_store else None
        await self.load_model()
        return retriever

    async def search(
        self,
        text: str,
        k: int = 10,
        *,
        filter: EntryFilter = ANY_ENTRY,
        breadth: float = 1.0,
    ) -> tuple[Hit, ...]:
        """Find at most `k` hits for `text`, best first, without a minimum similarity.

        The language model is not loaded. `filter` and `breadth` are those of `SearchRequest`.

        Raises:
            StoreError: The store cannot be opened or read.
            EngineError: The embedder cannot be loaded.
        """
        with self.idle.mark_busy():
            retriever = await self.ensure_stores_and_embedder_open()
            return await retriever.search(text, k, NO_GATE, filter=filter, breadth=breadth)

    async def close(self) -> None:
        """End the model's process, close the stores, and end `watch_events_between_turns`.

        May be called twice.
        """
        await self.idle.close()
        for stores in self._open_sets:
            stores.close()
        self._open_sets.clear()
        if self._engine:
            await self._engine.close()
        self._retriever = self._engine = None
        self._run_events.close()

"""The engine, as the app uses it: models in a child process, all calls asynchronous."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rm_local.engine import exit_reasons, protocol
from rm_local.engine.process import Process
from rm_local.engine.protocol import (
    BranchSpec,
    Ended,
    Message,
    ModelInfo,
    Piece,
    Read,
    Room,
    Stats,
    Usage,
)
from rm_local.errors import EngineError, RmLocalError, WorkerDied
from rm_local.records import FlashAttention, Overflow, Precision, StopReason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Reply = TypeVar("_Reply")
_TEXTS = 256
"""Texts embedded by one request at most."""
_STOPPABLE = (protocol.Load, protocol.OpenTurn, protocol.Grow)


class Engine:
    """Owns one worker process, started when it is first needed and again after its death.

    Requests are served in the order in which they are made. Every call raises WorkerDied when the
    worker ends meanwhile, and EngineError when it cannot be started; `load` then starts anew.
    """

    def __init__(
        self,
        *,
        log: Path | None,
        unlogged: Callable[[OSError], None] = lambda _error: None,
        threads: int = 0,
        gpu_layers: int = -1,
        templates: Path | None = None,
        flash_attention: FlashAttention = "auto",
        kv: Precision = "f16",
        overflow: Overflow = "stop",
        check_memory: bool = True,
    ) -> None:
        """`log`: the worker's log file; None, or one that cannot be written, is replaced by a
        temporary file, and `unlogged` gets the reason. `threads` 0 = what suits a model,
        `gpu_layers` -1 = all that fit.

        `templates`: folder of the user's own chat templates, which need not exist. `kv`: how keys
        and values are stored. `overflow`: what is done when the context is full. Without
        `check_memory` a model is loaded that is reckoned to need more memory than is free.
        """
        self.info: ModelInfo | None = None
        self.read: Read | None = None
        """What the last `open_turn` or `grow` had evaluated before anything was written; None until
        that is told."""
        self._log = log
        self._unlogged = unlogged
        self._threads = threads
        self._gpu_layers = gpu_layers
        self._templates = str(templates or "")
        self._flash_attention = flash_attention
        self._kv = kv
        self._overflow = overflow
        self._check_memory = check_memory
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._running: dict[int, protocol.Request] = {}
        self._embedder: Path | None = None
        self._dimension = 0
        self._embedder_in: Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def worker(self) -> int | None:
        """Process number of the worker; None while there is none."""
        return self._process.pid if self._process and self._process.alive else None

    async def load(
        self,
        model: Path,
        *,
        context: int = 0,
        on_progress: Callable[[float], None] | None = None,
    ) -> ModelInfo:
        """Load a model in place of the one before. `on_progress` gets 0 to 1.

        ModelMissing, ModelInvalid; MemoryShort before anything is allocated, NoRoom when llama.cpp
        gets no memory; SettingsError when the user's own template is wrong; Stopped when
        cancelled. No model is loaded after an error.
        """
        self.info = None
        await self._start()
        request = protocol.Load(
            str(model),
            context,
            self._threads,
            self._gpu_layers,
            self._templates,
            self._flash_attention,
            self._kv,
            self._check_memory,
        )
        try:
            loaded = await self._call(request, protocol.Loaded, on_progress)
        except WorkerDied as error:
            raise exit_reasons.in_loading(error, model) from None
        self.info = loaded.info
        return loaded.info

    async def load_embedder(self, path: Path) -> int:
        """Load an embedder; its dimension. It is loaded again by itself after a worker's death."""
        self._embedder = None
        process = await self._start()
        request = protocol.LoadEmbedder(str(path), self._threads)
        try:
            loaded = await self._call(request, protocol.EmbedderLoaded)
        except WorkerDied as error:
            raise exit_reasons.in_loading(error, path) from None
        self._dimension, self._embedder, self._embedder_in = loaded.dimension, path, process
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of the texts, shape (texts, dimension), rows of length 1."""
        import numpy as np

        if not self._embedder:
            raise EngineError("No embedder is loaded.", "Load one first.")
        if self._embedder_in is not await self._start():
            await self.load_embedder(self._embedder)
        rows = [np.empty((0, self._dimension), np.float32)]
        for start in range(0, len(texts), _TEXTS):
            request = protocol.Embed(tuple(texts[start : start + _TEXTS]))
            embedded = await self._call(request, protocol.Embedded)
            flat = np.frombuffer(base64.b64decode(embedded.vectors), "<f4")
            rows.append(flat.reshape(-1, embedded.dimension))
        return np.concatenate(rows).astype(np.float32, copy=False)

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_room: Callable[[Room], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> int:
        """Render the model's chat template, open its thinking block, evaluate the prompt.

        Without `thinking` the model is to answer at once; `effort` is one of its `efforts`.
        `on_room` is told when room had to be made, `on_progress` what share of a long prompt has
        been read. The prompt's tokens. ContextOverflow before anything is evaluated; Stopped when
        cancelled.
        """
        request = protocol.OpenTurn(tuple(messages), thinking, effort, self._overflow)

        def room(made: Room) -> None:
            self._resized(made)
            if on_room:
                on_room(made)

        opened = await self._call(request, protocol.Opened, on_progress, on_room=room)
        self.read = opened.read
        return opened.tokens

    async def grow(
        self, specs: Sequence[BranchSpec]
    ) -> AsyncGenerator[Piece | Usage | Room | Ended]:
        """Grow branches of the open turn, all in one batch; `branch` is the index in `specs`.

        Ends when all branches have; closing the iterator cancels them. ContextOverflow before
        anything is evaluated.
        """
        self.read = None
        process, number, answers = self._ask(protocol.Grow(tuple(specs)))
        reply: Any = None
        try:
            while not isinstance(reply := await _next(answers), protocol.Grown):
                if isinstance(reply, Room):
                    self._resized(reply)
                if isinstance(reply, protocol.Prefilled):
                    self.read = reply.read
                elif isinstance(reply, Ended | Usage | Room):
                    yield reply
                else:
                    for piece in reply.pieces:
                        yield piece
        finally:
            self._finish(process, number, done=isinstance(reply, protocol.Grown))

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """End branches (None = all, and loading and reading a prompt too); does not wait for it.

        Each sends `Ended(stop=reason)`. Nothing happens when nothing is under way.
        """
        chosen = None if branches is None else tuple(branches)
        for number, request in self._running.items():
            if self._process and (chosen is None or isinstance(request, protocol.Grow)):
                self._process.cancel(protocol.Cancel(number, chosen, reason))

    async def count(self, text: str) -> int:
        """Tokens of a text for the loaded model."""
        return (await self._call(protocol.Count(text), protocol.Counted)).tokens

    async def make_room(
        self,
        texts: Sequence[int],
        writing: int,
        *,
        on_room: Callable[[Room], None] | None = None,
    ) -> int:
        """Make room for forced texts of so many tokens behind the open turn's prompt, where it is
        missing and may be made; the tokens that fit there now.

        `writing`: tokens that each branch is to have beside its text. `on_room` is told what was
        done.
        """

        def room(made: Room) -> None:
            self._resized(made)
            if on_room:
                on_room(made)

        request = protocol.MakeRoom(tuple(texts), writing)
        return (await self._call(request, protocol.Free, on_room=room)).tokens

    async def stats(self) -> Stats:
        """What the loaded model has done since it was loaded."""
        return (await self._call(protocol.Measure(), protocol.Measured)).stats

    async def close(self) -> None:
        """End the worker. The engine can be used again: `load` starts a new one."""
        process, self._process, self.info = self._process, None, None
        if process:
            await process.close()

    async def _start(self) -> Process:
        """The worker; a new one if there is none."""
        async with self._starting:
            if not self._process or not self._process.alive:
                self.info = None
                self._process = await Process.start(self._log, self._unlogged)
            return self._process

    async def _call(
        self,
        request: protocol.Request,
        kind: type[_Reply],
        on_progress: Callable[[float], None] | None = None,
        on_room: Callable[[Room], None] | None = None,
    ) -> _Reply:
        """The closing reply to a request. A task that is cancelled here cancels the request."""
        process, number, answers = self._ask(request)
        reply: Any = None
        try:
            while isinstance(reply := await _next(answers), protocol.Progress | Room):
                if isinstance(reply, Room):
                    if on_room:
                        on_room(reply)
                elif on_progress:
                    on_progress(reply.share)
        finally:
            self._finish(process, number, done=reply is not None)
        if not isinstance(reply, kind):
            raise EngineError(f"The worker answered {type(reply).__name__}.", "This is a fault.")
        return reply

    def _resized(self, room: Room) -> None:
        """Keep the context's size as it is now."""
        if self.info:
            self.info = replace(self.info, context=room.context)

    def _ask(self, request: protocol.Request) -> tuple[Process, int, asyncio.Queue[Any]]:
        if not self._process:
            raise EngineError("No model is loaded.", "Load one first.")
        number, answers = self._process.ask(request)
        if isinstance(request, _STOPPABLE):
            self._running[number] = request
        return self._process, number, answers

    def _finish(self, process: Process, number: int, *, done: bool) -> None:
        """Let go of a request; one that is not done is cancelled."""
        self._running.pop(number, None)
        process.forget(number)
        if not done and process.alive:
            process.cancel(protocol.Cancel(number, None, "cancelled"))


async def _next(answers: asyncio.Queue[Any]) -> Any:
    """The next reply; an error is raised."""
    reply = await answers.get()
    if isinstance(reply, RmLocalError):
        raise reply
    return reply

"""The engine, as the app uses it: models in a child process, all calls asynchronous."""

from __future__ import annotations

import asyncio
import base64
import warnings
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rm_local.engine import exit_reasons, protocol
from rm_local.engine.branches import BranchEvent, BranchSpec, ContextAdjusted
from rm_local.engine.process import Process, Replies
from rm_local.engine.protocol import Message, ModelInfo, Stats, TurnOpened
from rm_local.errors import EngineError, RmLocalError, WorkerDied
from rm_local.lora import LoraAdapter, drop_unused
from rm_local.options import EngineOptions
from rm_local.records import StopReason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Reply = TypeVar("_Reply")
_TEXTS = 256
"""Texts embedded by one request at most."""
_STOPPABLE = (protocol.Load, protocol.OpenTurn, protocol.Generate)


class Engine:
    """Owns one worker process, started when it is first needed and again after its death.

    Requests are served in the order in which they are made. Every call raises WorkerDied when the
    worker ends meanwhile, and EngineError when it cannot be started; `load` then starts anew.
    """

    def __init__(
        self,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        *,
        log: Path | None,
        unlogged: Callable[[OSError], None] = lambda _error: None,
    ) -> None:
        """`log`: the worker's log file; None, or one that cannot be written, is replaced by a
        temporary file, and `unlogged` gets the reason."""
        self._options = options
        self._log = log
        self._unlogged = unlogged
        self._info: ModelInfo | None = None
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._running: dict[int, protocol.Request] = {}
        self._embedder: Path | None = None
        self._dimension = 0
        self._embedder_in: Process | None = None

    def __repr__(self) -> str:
        model = self._info.name if self._info else "no model"
        return f"<Engine: {model}, {f'process {self.worker}' if self.worker else 'no process'}>"

    def __del__(self) -> None:
        if self.worker:
            warnings.warn(f"{self!r} was not closed.", ResourceWarning, source=self, stacklevel=2)

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
    def info(self) -> ModelInfo | None:
        """The loaded model, with the context that it has now; None while there is none."""
        return self._info

    @property
    def worker(self) -> int | None:
        """Process number of the worker; None while there is none."""
        return self._process.pid if self._process and self._process.alive else None

    async def load(
        self,
        model: Path,
        *,
        context: int | None = None,
        lora: Sequence[LoraAdapter] = (),
        on_progress: Callable[[float], None] | None = None,
    ) -> ModelInfo:
        """Load a model in place of the current one. `on_progress` gets 0 to 1.

        `context` takes precedence over the options'. Nothing that was evaluated before is reused,
        so that no text is continued with other adapters (`lora`) than it was read with. No model is
        loaded after an error.

        Raises:
            ModelMissing, ModelInvalid, ModelRefused: The file or an adapter cannot be used.
            MemoryShort: The free memory does not suffice; nothing was allocated.
            NoRoom: llama.cpp could not allocate its memory.
            SettingsError: The user's own template is wrong.
            Stopped: The loading was cancelled.
        """
        self._info = None
        await self._start()
        options = self._options
        if context is not None:
            options = replace(options, context=context)
        request = protocol.Load(str(model), options, drop_unused(lora))
        try:
            return (await self._call(request, protocol.Loaded, on_progress)).info
        except WorkerDied as error:
            raise exit_reasons.in_loading(error, model) from None

    async def load_embedder(self, path: Path) -> int:
        """Load an embedder; its dimension. It is loaded again by itself after a worker's death."""
        self._embedder = None
        process = await self._start()
        request = protocol.LoadEmbedder(str(path), self._options.threads)
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
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """Render the model's chat template, open its thinking block, evaluate the prompt.

        Without `thinking` the model is to answer at once; `effort` is one of its `efforts`.
        `on_progress` gets the share of a long prompt that is evaluated.

        Raises:
            ContextOverflow: The prompt does not fit; nothing was evaluated.
            Stopped: The request was cancelled.
        """
        request = protocol.OpenTurn(tuple(messages), thinking, effort)
        return await self._call(request, TurnOpened, on_progress, on_adjusted)

    async def generate_branches(
        self, specs: Sequence[BranchSpec]
    ) -> AsyncGenerator[BranchEvent, None]:
        """Generate branches of the open turn in one batch; `branch` is the index in `specs`.

        Ends when all branches have; closing the iterator cancels them. Raises ContextOverflow
        before anything is evaluated.
        """
        process, number, replies = self._ask(protocol.Generate(tuple(specs)))
        done = False
        try:
            while not done:
                reply = await self._receive(replies)
                if isinstance(reply, protocol.TokenChunks):
                    for chunk in reply.chunks:
                        yield chunk
                elif isinstance(reply, protocol.GenerationDone):
                    done = True
                else:
                    yield reply
        finally:
            self._finish(process, number, done=done)

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """End branches (None = all, and loading and reading a prompt too); does not wait for it.

        Each sends `BranchEnded(stop=reason)`. Nothing happens when nothing is under way.
        """
        chosen = None if branches is None else tuple(branches)
        for number, request in self._running.items():
            if self._process and (chosen is None or isinstance(request, protocol.Generate)):
                self._process.cancel(protocol.Cancel(number, chosen, reason))

    async def count(self, text: str) -> int:
        """Tokens of a text for the loaded model."""
        return (await self._call(protocol.CountTokens(text), protocol.TokenCount)).tokens

    async def make_room(
        self,
        texts: Sequence[int],
        writing: int,
        *,
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
    ) -> int:
        """Make room for forced texts of so many tokens after the open turn's prompt, where it is
        missing and may be made; the tokens that fit there now.

        `writing`: tokens that each branch is to have besides its text. `on_adjusted` gets what was
        done.
        """

        request = protocol.MakeRoom(tuple(texts), writing)
        reply = await self._call(request, protocol.FreeTokens, on_adjusted=on_adjusted)
        return reply.tokens

    async def stats(self) -> Stats:
        """What the loaded model has done since it was loaded."""
        return (await self._call(protocol.GetStats(), protocol.StatsReply)).stats

    async def close(self) -> None:
        """End the worker. The engine can be used again: `load` starts a new one."""
        process, self._process, self._info = self._process, None, None
        if process:
            await process.close()

    async def _start(self) -> Process:
        """The worker; a new one if there is none."""
        async with self._starting:
            if not self._process or not self._process.alive:
                self._info = None
                self._process = await Process.start(self._log, self._unlogged)
            return self._process

    async def _call(
        self,
        request: protocol.Request,
        kind: type[_Reply],
        on_progress: Callable[[float], None] | None = None,
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
    ) -> _Reply:
        """The closing reply to a request. A task that is cancelled here cancels the request."""
        process, number, replies = self._ask(request)
        done = False
        try:
            while not done:
                reply = await self._receive(replies)
                if isinstance(reply, protocol.Progress):
                    if on_progress:
                        on_progress(reply.share)
                elif isinstance(reply, ContextAdjusted):
                    if on_adjusted:
                        on_adjusted(reply)
                else:
                    done = True
        finally:
            self._finish(process, number, done=done)
        if not isinstance(reply, kind):
            raise EngineError(f"The worker answered {type(reply).__name__}.", "This is a fault.")
        return reply

    async def _receive(self, replies: Replies) -> Any:
        """Wait for the next reply, and keep what it says of the model. Raises what went wrong."""
        reply = await replies.get()
        if isinstance(reply, RmLocalError):
            raise reply
        if isinstance(reply, protocol.Loaded):
            self._info = reply.info
        elif isinstance(reply, ContextAdjusted) and self._info:
            self._info = replace(self._info, context=reply.context)
        return reply

    def _ask(self, request: protocol.Request) -> tuple[Process, int, Replies]:
        if not self._process:
            raise EngineError("No model is loaded.", "Load one first.")
        number, replies = self._process.ask(request)
        if isinstance(request, _STOPPABLE):
            self._running[number] = request
        return self._process, number, replies

    def _finish(self, process: Process, number: int, *, done: bool) -> None:
        """Let go of a request; one that is not done is cancelled."""
        self._running.pop(number, None)
        process.forget(number)
        if not done and process.alive:
            process.cancel(protocol.Cancel(number, None, "cancelled"))

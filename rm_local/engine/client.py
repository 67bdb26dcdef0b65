"""The engine's client: asynchronous methods that run models in a worker process."""

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
from rm_local.engine.branches import BranchEvent, BranchSpec, ContextOverflowReport
from rm_local.engine.process import Replies, WorkerProcess
from rm_local.engine.protocol import Message, ModelInfo, Stats, TurnOpened
from rm_local.errors import EngineError, RmLocalError, WorkerCrashedError
from rm_local.lora import LoraAdapter, drop_adapters_with_zero_scale
from rm_local.options import EngineOptions
from rm_local.records import StopReason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Reply = TypeVar("_Reply")
_MAX_TEXTS = 256
"""Maximum number of texts in one request to embed."""
_STOPPABLE = (protocol.Load, protocol.OpenTurn, protocol.Generate)
"""The requests that `Engine.cancel` can cancel."""


class Engine:
    """Runs one model and one embedder in a worker process, which is started when it is needed.

    Requests are served in the order of the calls. Every call raises WorkerCrashedError if the
    worker ends during the call, and EngineError if the worker cannot be started; after such an
    error `load_model` starts a new worker.
    """

    def __init__(
        self,
        options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
        *,
        log: Path | None,
        unlogged: Callable[[OSError], None] = lambda _error: None,
    ) -> None:
        """Create an engine without a worker.

        `log`: the worker's log file; None = a temporary file. If it cannot be written, a temporary
        file is used and `unlogged` is called with the error.
        """
        self._options = options
        self._log = log
        self._unlogged = unlogged
        self._info: ModelInfo | None = None
        self._process: WorkerProcess | None = None
        self._starting = asyncio.Lock()
        self._running: dict[int, protocol.Request] = {}
        self._embedder: Path | None = None
        self._dimension = 0
        self._embedder_in: WorkerProcess | None = None

    def __repr__(self) -> str:
        model = self._info.name if self._info else "no model"
        process = f"process {self.worker_pid}" if self.worker_pid else "no process"
        return f"<Engine: {model}, {process}>"

    def __del__(self) -> None:
        if self.worker_pid:
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
        """Description of the loaded model and its context; None while no model is loaded."""
        return self._info

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker; None while it does not run."""
        return self._process.pid if self._process and self._process.is_usable else None

    async def load_model(
        self,
        model: Path,
        *,
        context: int | None = None,
        lora: Sequence[LoraAdapter] = (),
        name: str = "",
        on_progress: Callable[[float], None] | None = None,
    ) -> ModelInfo:
        """Load a model in place of the current one, and return its description.

        `context`: context length in tokens; None = that of the options. `lora`: the adapters to
        apply. `name`: the model's name for the user; empty = as in the file. `on_progress` is
        called with the share that is loaded, 0 to 1. The cache starts empty, because its contents
        depend on the adapters. After an error no model is loaded.

        Raises:
            ModelNotFoundError, InvalidModelError, ModelLoadError: The file or an adapter cannot
                be used.
            InsufficientMemoryError: There is too little free memory; nothing was allocated.
            ContextAllocationError: llama.cpp could not allocate its memory.
            SettingsError: The user's own template or family file is invalid.
            CancelledByUserError: The loading was cancelled.
        """
        self._info = None
        await self._ensure_worker()
        options = self._options
        if context is not None:
            options = replace(options, context=context)
        request = protocol.Load(str(model), options, drop_adapters_with_zero_scale(lora), name)
        try:
            return (await self._call_worker(request, protocol.Loaded, on_progress)).info
        except WorkerCrashedError as error:
            raise exit_reasons.make_load_crash_error(error, model) from None

    async def load_embedder(self, path: Path) -> int:
        """Load a sentence embedder from a GGUF file; return the dimension of its vectors.

        If the worker ends, `embed` loads the embedder again.

        Raises:
            ModelNotFoundError, InvalidModelError, ModelLoadError: The file cannot be used.
        """
        self._embedder = None
        process = await self._ensure_worker()
        request = protocol.LoadEmbedder(str(path), self._options.threads)
        try:
            loaded = await self._call_worker(request, protocol.EmbedderLoaded)
        except WorkerCrashedError as error:
            raise exit_reasons.make_load_crash_error(error, path) from None
        self._dimension, self._embedder, self._embedder_in = loaded.dimension, path, process
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as the rows of a float32 array (texts, dimension), each of length 1.

        Raises:
            EngineError: No embedder is loaded.
        """
        import numpy as np

        if not self._embedder:
            raise EngineError("No embedder is loaded.", "Load one first.")
        if self._embedder_in is not await self._ensure_worker():
            await self.load_embedder(self._embedder)
        rows = [np.empty((0, self._dimension), np.float32)]
        for start in range(0, len(texts), _MAX_TEXTS):
            request = protocol.Embed(tuple(texts[start : start + _MAX_TEXTS]))
            embedded = await self._call_worker(request, protocol.Embedded)
            flat = np.frombuffer(base64.b64decode(embedded.vectors), "<f4")
            rows.append(flat.reshape(-1, embedded.dimension))
        return np.concatenate(rows).astype(np.float32, copy=False)

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """Open a turn: render the chat template, open the thinking block, evaluate the prompt.

        `thinking`: False = the model answers without thinking. `effort`: one of the model's
        `efforts`; empty = its template's default. `on_overflow` is called if the context was
        full. `on_progress` is called with the evaluated share of a long prompt, 0 to 1.

        Raises:
            ContextOverflowError: The prompt does not fit; nothing was evaluated.
            CancelledByUserError: The request was cancelled.
        """
        request = protocol.OpenTurn(tuple(messages), thinking, effort)
        return await self._call_worker(request, TurnOpened, on_progress, on_overflow)

    async def generate_branches(
        self, specs: Sequence[BranchSpec]
    ) -> AsyncGenerator[BranchEvent, None]:
        """Generate branches of the open turn together; yield their events until all have ended.

        The field `branch` of an event is the index in `specs`. Closing the iterator cancels the
        branches.

        Raises:
            ContextOverflowError: A branch does not fit; nothing was evaluated.
        """
        process, number, replies = self._send_request_or_raise_if_unstarted(
            protocol.Generate(tuple(specs))
        )
        done = False
        try:
            while not done:
                reply = await self._receive_reply_and_update_info(replies)
                if isinstance(reply, protocol.TokenChunks):
                    for chunk in reply.chunks:
                        yield chunk
                elif isinstance(reply, protocol.GenerationDone):
                    done = True
                else:
                    yield reply
        finally:
            self._forget_request_and_cancel_if_unfinished(process, number, done=done)

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """Cancel branches, or a running load or prefill, without waiting for the end.

        If no request is running, nothing happens. `branches`: numbers of branches; None = all
        branches, or the running load or prefill. Each cancelled branch sends
        `BranchEnded(stop=reason)`.
        """
        chosen = None if branches is None else tuple(branches)
        for number, request in self._running.items():
            if self._process and (chosen is None or isinstance(request, protocol.Generate)):
                self._process.send_cancel(protocol.Cancel(number, chosen, reason))

    async def count_tokens(self, text: str) -> int:
        """Count a text's tokens with the loaded model's tokenizer."""
        return (await self._call_worker(protocol.CountTokens(text), protocol.TokenCount)).tokens

    async def make_room_and_count_free_tokens(
        self,
        text_lengths: Sequence[int],
        writing: int,
        *,
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
    ) -> int:
        """Make room in the context for forced texts after the open turn's prompt.

        The option `context_overflow` decides whether turns are dropped or the context grows.
        `text_lengths`: number of tokens of each text. `writing`: number of tokens that each branch
        writes after its text. `on_overflow` is called with the action taken. Return the number of
        tokens that fit after the prompt now.
        """
        request = protocol.MakeRoom(tuple(text_lengths), writing)
        reply = await self._call_worker(request, protocol.FreeTokenCount, on_overflow=on_overflow)
        return reply.tokens

    async def get_stats(self) -> Stats:
        """Return the counts of tokens and the computing times since the model was loaded."""
        return (await self._call_worker(protocol.GetStats(), protocol.StatsReply)).stats

    async def close(self) -> None:
        """End the worker process. The engine can be used again.

        `load_model` and `load_embedder` start another worker; so does `embed` if an embedder was
        loaded before.
        """
        process, self._process, self._info = self._process, None, None
        if process:
            await process.close()

    async def _ensure_worker(self) -> WorkerProcess:
        """Return the running worker process; start one if none runs."""
        async with self._starting:
            if not self._process or not self._process.is_usable:
                self._info = None
                self._process = await WorkerProcess.start_worker(self._log, self._unlogged)
            return self._process

    async def _call_worker(
        self,
        request: protocol.Request,
        kind: type[_Reply],
        on_progress: Callable[[float], None] | None = None,
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
    ) -> _Reply:
        """Send a request, and return its last reply, which has to be of the class `kind`.

        Earlier replies are passed to the callbacks. Cancelling the task cancels the request.

        Raises:
            RmLocalError: The request failed, or the worker ended.
        """
        process, number, replies = self._send_request_or_raise_if_unstarted(request)
        done = False
        try:
            while not done:
                reply = await self._receive_reply_and_update_info(replies)
                if isinstance(reply, protocol.Progress):
                    if on_progress:
                        on_progress(reply.share)
                elif isinstance(reply, ContextOverflowReport):
                    if on_overflow:
                        on_overflow(reply)
                else:
                    done = True
        finally:
            self._forget_request_and_cancel_if_unfinished(process, number, done=done)
        if not isinstance(reply, kind):
            raise EngineError(
                f"The worker sent an unexpected reply: {type(reply).__name__}.",
                "Report this as a bug.",
            )
        return reply

    async def _receive_reply_and_update_info(self, replies: Replies) -> Any:
        """Wait for the next reply to a request; return it, and update `info` from it.

        Raises:
            RmLocalError: The request failed.
        """
        reply = await replies.get()
        if isinstance(reply, RmLocalError):
            raise reply
        if isinstance(reply, protocol.Loaded):
            self._info = reply.info
        elif isinstance(reply, ContextOverflowReport) and self._info:
            self._info = replace(self._info, context=reply.context)
        return reply

    def _send_request_or_raise_if_unstarted(
        self, request: protocol.Request
    ) -> tuple[WorkerProcess, int, Replies]:
        """Send a request; return the worker, the request's number, and the queue of its replies.

        Raises:
            EngineError: No worker has been started.
        """
        if not self._process:
            raise EngineError("No model is loaded.", "Load one first.")
        number, replies = self._process.send_request(request)
        if isinstance(request, _STOPPABLE):
            self._running[number] = request
        return self._process, number, replies

    def _forget_request_and_cancel_if_unfinished(
        self, process: WorkerProcess, number: int, *, done: bool
    ) -> None:
        """Ignore further replies to a request; cancel it if it is not done."""
        self._running.pop(number, None)
        process.forget_request(number)
        if not done and process.is_usable:
            process.send_cancel(protocol.Cancel(number, None, "cancelled"))

"""The worker's main loop: serves requests one at a time, and sends the replies."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path
from typing import BinaryIO

from rm_local.engine import protocol, wire
from rm_local.engine.worker.decoding.turn import TurnRunner
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.embedder import Embedder
from rm_local.engine.worker.llama.loading import load_model_and_create_cache
from rm_local.engine.worker.llama.model import Model
from rm_local.engine.worker.templates.render_client import Renderer
from rm_local.errors import (
    EngineError,
    RmLocalError,
    is_caused_by_memory_shortage,
    make_memory_error,
)


class Server:
    """Serves the client's requests, with at most one loaded model and one loaded embedder."""

    def __init__(self, inbox: Inbox, replies: BinaryIO) -> None:
        self._inbox = inbox
        self._replies = replies
        self._number = 0
        self._model: Model | None = None
        self._turn: TurnRunner | None = None
        self._embedder: Embedder | None = None
        self._renderer = Renderer(lambda: inbox.cancel_reason)

    def serve_requests(self) -> None:
        """Send `Ready`, then serve requests until the process ends."""
        log.install_log_callback()
        self._send_reply(protocol.Ready())
        while True:
            self._number, request = self._inbox.take_request()
            reply = self._serve_request_or_return_error(request)
            self._inbox.mark_request_answered()
            self._send_reply(reply)

    def _send_reply(self, reply: protocol.Reply) -> None:
        self._replies.write(wire.encode_message(self._number, reply))

    def _serve_request_or_return_error(self, request: protocol.Request) -> protocol.Reply:
        """Serve a request, and return its last reply; any exception becomes an `ErrorReply`."""
        try:
            return self._dispatch_request(request)
        except RmLocalError as error:
            return protocol.ErrorReply(type(error).__name__, error.message, error.remedy)
        except Exception as error:
            traceback.print_exc()
            if is_caused_by_memory_shortage(error):
                short = make_memory_error()
                return protocol.ErrorReply(type(short).__name__, short.message, short.remedy)
            message = f"The model's process failed: {type(error).__name__}: {error}."
            return protocol.ErrorReply("EngineError", message, "Its log has the details.")

    def _dispatch_request(self, request: protocol.Request) -> protocol.Reply:
        """Call the method that serves this kind of request; return the request's last reply."""
        match request:
            case protocol.Load():
                return self._load_model(request)
            case protocol.LoadEmbedder(path, threads):
                return self._load_embedder(path, threads)
            case protocol.Embed(texts):
                return self._embed_texts(texts)
            case protocol.OpenTurn():
                return self._require_turn_runner().open_turn_and_evaluate_prompt(
                    request, self._send_reply
                )
            case protocol.Generate(specs):
                self._require_turn_runner().generate_branches(specs, self._send_reply)
                return protocol.GenerationDone()
            case protocol.CountTokens(text):
                return protocol.TokenCount(self._require_turn_runner().count_tokens(text))
            case protocol.MakeRoom(texts, writing):
                return protocol.FreeTokenCount(
                    self._require_turn_runner().make_room_and_count_free_tokens(
                        texts, writing, self._send_reply
                    )
                )
            case protocol.GetStats():
                return protocol.StatsReply(self._require_turn_runner().stats.take_snapshot())
            case _:
                raise EngineError(f"The worker does not serve {type(request).__name__}.")

    def _load_model(self, request: protocol.Load) -> protocol.Reply:
        self._unload_model()
        model, cache, load_plan = load_model_and_create_cache(
            request,
            lambda share: self._send_reply(protocol.Progress(share)),
            self._inbox,
            self._renderer,
        )
        self._model, self._turn = model, TurnRunner(model, cache, load_plan, self._inbox)
        return protocol.Loaded(self._turn.info)

    def _unload_model(self) -> None:
        if self._turn:
            self._turn.free_cache()
        if self._model:
            self._model.close()
        self._turn = self._model = None

    def _require_turn_runner(self) -> TurnRunner:
        """Return the runner of the loaded model's turns.

        Raises:
            EngineError: No model is loaded.
        """
        if not self._turn:
            raise EngineError("No model is loaded.", "Load one first.")
        return self._turn

    def _load_embedder(self, path: str, threads: int) -> protocol.Reply:
        if self._embedder:
            self._embedder.close()
            self._embedder = None
        self._embedder = Embedder(Path(path), threads)
        return protocol.EmbedderLoaded(self._embedder.dimension)

    def _embed_texts(self, texts: tuple[str, ...]) -> protocol.Reply:
        if not self._embedder:
            raise EngineError("No embedder is loaded.", "Load one first.")
        rows = self._embedder.embed_texts(texts).astype("<f4").tobytes()
        return protocol.Embedded(self._embedder.dimension, base64.b64encode(rows).decode("ascii"))

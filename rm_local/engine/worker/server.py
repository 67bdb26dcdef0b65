"""The worker's loop: one request after another, each answered under its number."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path
from typing import BinaryIO

from rm_local.engine import protocol, wire
from rm_local.engine.worker.decoding.turn import Turn
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.embedder import Embedder
from rm_local.engine.worker.llama.loading import load
from rm_local.engine.worker.llama.model import Model
from rm_local.engine.worker.templates.render_client import Renderer
from rm_local.errors import EngineError, RmLocalError


class Server:
    """Holds what is loaded: at most one model with its turn, and one embedder."""

    def __init__(self, inbox: Inbox, replies: BinaryIO) -> None:
        self._inbox = inbox
        self._replies = replies
        self._number = 0
        self._model: Model | None = None
        self._turn: Turn | None = None
        self._embedder: Embedder | None = None
        self._renderer = Renderer(lambda: inbox.cancelled)

    def run(self) -> None:
        """Serve for as long as the process lives."""
        log.start()
        self._send(protocol.Ready())
        while True:
            self._number, request = self._inbox.next()
            reply = self._answer(request)
            self._inbox.done()
            self._send(reply)

    def _send(self, reply: protocol.Reply) -> None:
        self._replies.write(wire.encode_message(self._number, reply))

    def _answer(self, request: protocol.Request) -> protocol.Reply:
        try:
            return self._serve(request)
        except RmLocalError as error:
            return protocol.ErrorReply(type(error).__name__, error.message, error.remedy)
        except Exception as error:
            traceback.print_exc()
            message = f"The model's process failed: {type(error).__name__}: {error}."
            return protocol.ErrorReply("EngineError", message, "Its log has the details.")

    def _serve(self, request: protocol.Request) -> protocol.Reply:
        match request:
            case protocol.Load():
                return self._load(request)
            case protocol.LoadEmbedder(path, threads):
                return self._load_embedder(path, threads)
            case protocol.Embed(texts):
                return self._embed(texts)
            case protocol.OpenTurn():
                return self._loaded().open(request, self._send)
            case protocol.Generate(specs):
                self._loaded().generate_branches(specs, self._send)
                return protocol.GenerationDone()
            case protocol.CountTokens(text):
                return protocol.TokenCount(self._loaded().count(text))
            case protocol.MakeRoom(texts, writing):
                return protocol.FreeTokens(self._loaded().make_room(texts, writing, self._send))
            case protocol.GetStats():
                return protocol.StatsReply(self._loaded().stats.frozen())
            case _:
                raise EngineError(f"The worker does not serve {type(request).__name__}.")

    def _load(self, request: protocol.Load) -> protocol.Reply:
        self._unload()
        model, cache, plan = load(
            request,
            lambda share: self._send(protocol.Progress(share)),
            self._inbox,
            self._renderer,
        )
        self._model, self._turn = model, Turn(model, cache, plan, self._inbox)
        return protocol.Loaded(self._turn.info)

    def _unload(self) -> None:
        if self._turn:
            self._turn.close()
        if self._model:
            self._model.close()
        self._turn = self._model = None

    def _loaded(self) -> Turn:
        if not self._turn:
            raise EngineError("No model is loaded.", "Load one first.")
        return self._turn

    def _load_embedder(self, path: str, threads: int) -> protocol.Reply:
        if self._embedder:
            self._embedder.close()
            self._embedder = None
        self._embedder = Embedder(Path(path), threads)
        return protocol.EmbedderLoaded(self._embedder.dimension)

    def _embed(self, texts: tuple[str, ...]) -> protocol.Reply:
        if not self._embedder:
            raise EngineError("No embedder is loaded.", "Load one first.")
        rows = self._embedder.embed(texts).astype("<f4").tobytes()
        return protocol.Embedded(self._embedder.dimension, base64.b64encode(rows).decode("ascii"))

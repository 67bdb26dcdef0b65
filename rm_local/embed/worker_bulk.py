"""Embeds many texts with all-MiniLM-L6-v2 in a worker process, by llama.cpp: without torch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rm_local.arrays import Floats
from rm_local.embed.minilm import MINILM, find_minilm_gguf
from rm_local.engine import Engine
from rm_local.folders import UnsavedFilesReporter

if TYPE_CHECKING:
    from rm_local.store import EmbedderId


class MinilmWorkerEmbedder:
    """Embeds many texts with all-MiniLM-L6-v2 in the worker process of `engine`."""

    id: EmbedderId = MINILM

    def __init__(self, engine: Engine, runner: asyncio.Runner) -> None:
        self._engine, self._runner = engine, runner

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embed `texts` as the rows of an array (n, 384), each of length 1.

        Raises:
            EngineError: llama.cpp failed.
        """
        return self._runner.run(self._engine.embed(texts))


@contextmanager
def open_minilm_worker_embedder(notify: Callable[[str], None]) -> Iterator[MinilmWorkerEmbedder]:
    """Start a worker process with all-MiniLM-L6-v2 for the `with` body.

    `notify` gets a sentence if the worker's log cannot be written. The body must not run in an
    event loop.

    Raises:
        EngineError: The embedder's file is missing, or the worker cannot load it.
    """
    notices = UnsavedFilesReporter(notify)
    unlogged = partial(notices.report_unsaved_kinds_once, "the model's log")
    engine = Engine(log=notices.get_worker_log_path_or_report(), unlogged=unlogged)
    with asyncio.Runner() as runner:
        try:
            runner.run(engine.load_embedder(find_minilm_gguf()))
            yield MinilmWorkerEmbedder(engine, runner)
        finally:
            runner.run(engine.close())

"""Opens the embedder with which a store was built, to embed queries for the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from rm_local.arrays import Floats
from rm_local.embed import static
from rm_local.embed.minilm import MINILM, find_minilm_gguf
from rm_local.errors import EmbedderMismatchError
from rm_local.store import EmbedderId


class QueryEmbedder(Protocol):
    """Interface of an embedder that converts queries to vectors."""

    async def embed(self, texts: Sequence[str]) -> Floats:
        """Embed `texts` as the rows of an array (n, d), each of length 1."""


class EmbeddingEngine(QueryEmbedder, Protocol):
    """Interface of an engine whose worker process embeds texts: `rm_local.engine.Engine`."""

    async def load_embedder(self, path: Path) -> int:
        """Load an embedder from a GGUF file; return the dimension of its vectors."""


def check_embedder_is_supported(store: Path, named: EmbedderId) -> None:
    """Check that rm-local can embed queries with `named`, the embedder of the vectors in `store`.

    `store` is only for the message.

    Raises:
        EmbedderMismatchError: It is neither MiniLM nor the installed version of rm-static.
    """
    if named == MINILM:
        return
    if named.id != static.STATIC_EMBEDDER:
        raise EmbedderMismatchError(
            f"The store {store} was made with {named}, which rm-local cannot embed queries with.",
            "Build it again with --embedder minilm or static "
            f"({MINILM.id} or {static.STATIC_EMBEDDER}).",
        )
    ours = static.load_shipped_static().id
    if named != ours:
        raise EmbedderMismatchError(
            f"The store {store} was made with another version of {static.STATIC_EMBEDDER}: "
            f"{named}, not {ours}.",
            "Build it again with --embedder static, or install the rm-local that it was made with.",
        )


async def open_query_embedder(
    store: Path,
    named: EmbedderId,
    engine: Callable[[], EmbeddingEngine],
) -> QueryEmbedder:
    """Load `named`, the embedder of the vectors in `store`, for embedding queries.

    MiniLM runs in the worker process of the engine that `engine` returns; rm-static runs in this
    process, without an engine.

    Raises:
        EmbedderMismatchError: It is neither MiniLM nor the installed version of rm-static.
        EngineError: The embedder's file is missing, or the worker cannot load it.
    """
    await asyncio.to_thread(check_embedder_is_supported, store, named)
    if named != MINILM:
        return _StaticQueryEmbedder(static.load_shipped_static())
    worker = engine()
    await worker.load_embedder(find_minilm_gguf())
    return worker


class _StaticQueryEmbedder:
    """Query embedder that uses the table of rm-static, in this process."""

    def __init__(self, embedder: static.StaticEmbedder) -> None:
        self._embedder = embedder

    async def embed(self, texts: Sequence[str]) -> Floats:
        return self._embedder.embed(texts)

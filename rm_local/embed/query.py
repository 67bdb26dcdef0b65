"""Open the embedder of queries for a store: the one that the store names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed import static
from rm_local.embed.minilm import MINILM, ensure_minilm_gguf
from rm_local.errors import EmbedderMismatchError, EngineError, HomeNotFoundError
from rm_local.folders import make_temporary_cache
from rm_local.store import EmbedderId


class QueryEmbedder(Protocol):
    """Turns queries into vectors."""

    async def embed(self, texts: Sequence[str]) -> Floats:
        """Embed `texts`: (n, d), rows of length 1."""


class EmbeddingEngine(QueryEmbedder, Protocol):
    """The part of `rm_local.engine.Engine` that embeds in the worker process."""

    async def load_embedder(self, path: Path) -> int:
        """Load a GGUF; return its dimension."""


def check_query_embedder(store: Path, named: EmbedderId) -> None:
    """Check that queries for `store` can be embedded.

    Raises:
        EmbedderMismatchError: its embedder is unknown, or another version of rm-static.
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
    uncached: Callable[[OSError | HomeNotFoundError], None] = lambda _error: None,
) -> QueryEmbedder:
    """Load the embedder `named` by `store`; `engine` is only called if it needs the worker.

    `uncached` gets the reason when the cache cannot be written and a temporary folder replaces it.

    Raises:
        EmbedderMismatchError: as `check_query_embedder`.
        EngineError: the worker cannot load it.
    """
    await asyncio.to_thread(check_query_embedder, store, named)
    if named != MINILM:
        return _StaticQueries(static.load_shipped_static())
    worker = engine()
    file, error = await asyncio.to_thread(_ensure_minilm_file)
    if error:
        uncached(error)
    await worker.load_embedder(file)
    return worker


class _StaticQueries:
    """rm-static as a query embedder; a query takes microseconds."""

    def __init__(self, embedder: static.StaticEmbedder) -> None:
        self._embedder = embedder

    async def embed(self, texts: Sequence[str]) -> Floats:
        return self._embedder.embed(texts)


def _ensure_minilm_file() -> tuple[Path, OSError | HomeNotFoundError | None]:
    """Return MiniLM's GGUF, written on the first call, and the reason if it is not in the cache.

    Raises:
        EngineError: no temporary folder can be written either.
    """
    try:
        return ensure_minilm_gguf(paths.cache_dir()), None
    except (OSError, HomeNotFoundError) as uncached:
        try:
            return ensure_minilm_gguf(make_temporary_cache()), uncached
        except OSError as error:
            raise EngineError(
                f"The embedder's file cannot be written, not even temporarily: {error.strerror}.",
                "Make room, or set RM_LOCAL_HOME to a folder that can be written to.",
            ) from None

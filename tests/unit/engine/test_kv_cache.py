"""The KV cache's context after a change of its size that failed."""

from __future__ import annotations

from typing import Any

import pytest

from rm_local.engine.worker.llama.kv_cache import KVCache
from rm_local.errors import ContextAllocationError, EngineError, InvalidModelError


@pytest.mark.parametrize("kind", [ContextAllocationError, EngineError, InvalidModelError])
def test_after_any_error_the_context_has_its_old_size(
    kind: type[EngineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is short, or an adapter refuses the new context: the next call finds a context."""
    made: list[int] = []

    def create(_cache: Any, size: int) -> None:
        made.append(size)
        if size == 128:
            raise kind("No.", "")

    monkeypatch.setattr(KVCache, "_create_context", create)
    monkeypatch.setattr("llama_cpp.llama_free", lambda _context: None)
    cache = object.__new__(KVCache)
    cache.context, cache.capacity = None, 64

    with pytest.raises(kind):
        cache.resize_and_empty_context(128)

    assert made == [128, 64]

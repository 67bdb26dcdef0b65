"""Who chooses the threads of a step: the controller, or the user's setting."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from rm_local.engine import protocol
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama import loading, model as model_module
from rm_local.engine.worker.llama.kv_cache import PREFIX
from rm_local.engine.worker.llama.thread_controller import ThreadController
from rm_local.engine.worker.templates.render_client import Renderer
from rm_local.options import EngineOptions


@pytest.mark.parametrize(("threads", "expected"), [(0, 1), (2, 2)])
def test_only_automatic_threads_are_changed(
    threads: int, expected: int, nano: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that stretch take a thread away; with `threads = 2` they do not."""
    import llama_cpp

    monkeypatch.setattr(model_module, "choose_thread_count", lambda _weights: 2)
    monkeypatch.setattr(
        ThreadController, "choose_threads", lambda _self, rows: 1 if rows == 1 else 2, raising=True
    )
    steps: list[int] = []
    monkeypatch.setattr(ThreadController, "record_step", lambda _self, rows, _s: steps.append(rows))
    renderer = Renderer()
    inbox = Inbox(io.BytesIO(), on_end=lambda: None)
    request = protocol.Load(str(nano), EngineOptions(threads=threads, context=256))
    model, cache, _ = loading.load_model_and_create_cache(
        request, lambda _share: None, inbox, renderer
    )
    try:
        cache.decode_rows([(300, 0, PREFIX, True)])
        used = llama_cpp.llama_n_threads(cache.context)
        many = cache.branches + 1
        cache.decode_rows([(300 + n, 1 + n, PREFIX, False) for n in range(many)])

        assert used == expected
        assert llama_cpp.llama_n_threads_batch(cache.context) == 2
        assert steps == ([1] if threads == 0 else [])
    finally:
        cache.close()
        model.close()

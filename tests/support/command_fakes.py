"""Fakes where commands would load a model or an embedder, or measure for minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from rm_local import bench, paths, runtime
from rm_local.bench.corpus import docstrings
from rm_local.cli import checks, subprocess_json
from rm_local.embed import many_texts
from rm_local.errors import InvalidModelError
from rm_local.ingest import build_store, import_files
from rm_local.library.hub import download
from tests.support.corpora import open_tiny_embedder, tiny_sentences
from tests.support.fakes import FakeEngine
from tests.support.local_hub import Hub, data, serving

Put = Callable[[Any, str, Any], None]


@contextmanager
def fake_slow_parts(store: Path) -> Iterator[str]:
    """Replace the slow parts during the `with` body; yield the address of a hub on this machine.

    `store` takes the place of the shipped store.
    """
    reports = {
        module: subprocess_json.run_json_module(module)
        for module in (
            "rm_local.engine.worker.build_info",
            "rm_local.store.sqlite.library_versions",
        )
    }
    with ExitStack() as stack:

        def put(target: Any, name: str, value: Any) -> None:
            stack.enter_context(patch.object(target, name, value))

        put(runtime.Runtime, "engine", property(_get_engine))
        put(paths, "shipped_store", lambda: store)
        for module in (many_texts, build_store, import_files):
            put(module, "open_text_embedder", open_tiny_embedder)
        put(docstrings, "collect_docstring_sentences", lambda _report: tuple(tiny_sentences()))
        put(
            docstrings,
            "sample_docstring_sentences",
            lambda _count, _report: tuple(tiny_sentences()),
        )
        for module in (checks, subprocess_json):
            put(module, "run_json_module", reports.__getitem__)
        put(download, "PAUSES", (0.0, 0.0, 0.0))
        _fake_measurements(put)
        yield stack.enter_context(serving(Hub({"tiny-Q4_K_M.gguf": data(3000)}))).url


def _get_engine(held: Any) -> Any:
    held._engine = held._engine or FakeEngine(dimension=384)
    return held._engine


def _fake_measurements(put: Put) -> None:
    """Let benchmarks end before they measure; what comes before is real."""
    for name in ("bench_engine", "bench_engine_under_load", "bench_store", "BareLlamaLoopProcess"):
        getattr(bench, name)  # a lazy name can be replaced when it is there
    put(bench, "bench_engine", partial(_refuse_later, "model"))
    put(bench, "bench_engine_under_load", partial(_refuse_later, "model"))
    put(bench, "bench_store", partial(_refuse, "store"))
    put(bench, "BareLlamaLoopProcess", _FakeBareClient)


def _refuse(what: str, *_: Any, **__: Any) -> Any:
    raise InvalidModelError(f"This {what} is not measured here.", "Choose another one.")


async def _refuse_later(what: str, *_: Any, **__: Any) -> Any:
    _refuse(what)


class _FakeBareClient:
    def __init__(self, *_: Any) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

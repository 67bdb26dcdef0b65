"""A store is searched with the embedder that it names, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rm_local.embed import query, static
from rm_local.embed.minilm import MINILM
from rm_local.embed.static import StaticEmbedder
from rm_local.errors import EmbedderMismatchError
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from rm_local.store.store import Store
from tests.support.fakes import FakeEngine
from tests.support.stores import TOY, entries, toy_store

PATH = Path("some.rms")
PIECES = ["[UNK]", "zorb", "##1", "##0"]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> StaticEmbedder:
    """A small table in the place of the shipped one."""
    rows = np.eye(4, 16, dtype=np.float32)
    embedder = StaticEmbedder(rows, PIECES, "ab" * 32)
    monkeypatch.setattr(static, "load_shipped_static", lambda: embedder)
    return embedder


def no_engine() -> FakeEngine:
    """Stands for a worker process that nobody may start."""
    raise AssertionError("the worker is asked for")


async def test_the_static_embedder_needs_no_process(table: StaticEmbedder) -> None:
    """Its vectors are those that the store was built with."""
    embedder = await query.open_query_embedder(PATH, table.id, no_engine)
    assert np.array_equal(await embedder.embed(["zorb1"]), table.embed(["zorb1"]))


async def test_minilm_runs_in_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shipped GGUF."""
    engine = FakeEngine()
    monkeypatch.setattr(query, "find_minilm_gguf", lambda: Path("minilm.gguf"))
    assert await query.open_query_embedder(PATH, MINILM, lambda: engine) is engine
    assert [path.name for path in engine.loads] == ["minilm.gguf"]


def test_any_other_embedder_is_refused(table: StaticEmbedder) -> None:
    """Another model, another table, another MiniLM: each with a way out."""
    for named in (TOY, replace(table.id, sha256="cd" * 32), replace(MINILM, dimension=128)):
        with pytest.raises(EmbedderMismatchError, match=r"some\.rms") as caught:
            query.check_embedder_is_supported(PATH, named)
        assert "Build it again with --embedder" in caught.value.remedy
    query.check_embedder_is_supported(PATH, table.id)
    query.check_embedder_is_supported(PATH, MINILM)


async def test_a_runtime_searches_with_what_the_store_names(
    tmp_path: Path, table: StaticEmbedder
) -> None:
    """No word of the user's, no process; the entry's own words find it."""
    with Store.create(tmp_path / "s.rms", embedder=table.id) as store:
        store.add_entries(entries(12), table.embed([entry.subproblem for entry in entries(12)]))
    runtime = Runtime(Settings(), store=tmp_path / "s.rms")
    hits = await runtime.search("zorb10", 1)
    assert [hit.entry.subproblem for hit in hits] == [entries(12)[10].subproblem]
    assert (runtime.entries, runtime.info) == (12, None)
    await runtime.close()


async def test_a_runtime_refuses_an_unknown_embedder(tmp_path: Path) -> None:
    """Before anything is loaded."""
    runtime = Runtime(Settings(), store=toy_store(tmp_path / "toy.rms"))
    with pytest.raises(EmbedderMismatchError, match="toy"):
        await runtime.search("zorb", 1)
    await runtime.close()

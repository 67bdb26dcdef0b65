"""A store is searched with the embedder that it names, or not at all."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rm_local import paths
from rm_local.embed import query, static
from rm_local.embed.minilm import MINILM
from rm_local.embed.static import StaticEmbedder
from rm_local.errors import EmbedderMismatchError, EngineError, HomeNotFoundError
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
    """With the GGUF in the cache."""
    engine = FakeEngine()
    monkeypatch.setattr(query, "ensure_minilm_gguf", lambda cache: cache / "minilm.gguf")
    assert await query.open_query_embedder(PATH, MINILM, lambda: engine) is engine
    assert [path.name for path in engine.loads] == ["minilm.gguf"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENOTDIR])
async def test_a_temporary_folder_replaces_an_unwritable_cache(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A temporary folder takes its place, and the reason is handed on."""
    cache, reasons = paths.cache_dir(), list[OSError | HomeNotFoundError]()

    def write(folder: Path) -> Path:
        if folder == cache:
            raise OSError(code, os.strerror(code))
        assert folder.is_dir()
        return folder / "minilm.gguf"

    engine = FakeEngine()
    monkeypatch.setattr(query, "ensure_minilm_gguf", write)

    await query.open_query_embedder(PATH, MINILM, lambda: engine, reasons.append)

    assert [path.name for path in engine.loads] == ["minilm.gguf"]
    assert [getattr(reason, "errno", reason) for reason in reasons] == [code]


async def test_no_disk_takes_the_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk says becomes an error that says what to do."""

    def full(_: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(query, "ensure_minilm_gguf", full)
    with pytest.raises(EngineError, match="No space left"):
        await query.open_query_embedder(PATH, MINILM, FakeEngine)


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

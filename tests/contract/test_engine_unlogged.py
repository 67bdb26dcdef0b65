"""A real worker whose log cannot be written."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rm_local.engine.branches import BranchSpec
from rm_local.engine.client import Engine
from rm_local.errors import WorkerCrashedError
from rm_local.options import EngineOptions
from tests.support.blocked_folders import BLOCKED
from tests.support.engines import QUESTION, grown


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def count_for_ever(engine: Engine) -> None:
    """Until the worker ends."""
    while True:
        await engine.count_tokens("a")


@pytest.mark.parametrize("block", BLOCKED)
async def test_a_model_is_loaded_and_writes(
    block: Callable[[Path], Path], tmp_path: Path, temporary: Path, nano: Path
) -> None:
    """The reason is given once; no file is left."""
    reasons: list[OSError] = []
    log = block(tmp_path) / "logs" / "worker.log"
    async with Engine(EngineOptions(threads=1), log=log, unlogged=reasons.append) as engine:
        await engine.load_model(nano)
        await engine.open_turn(QUESTION)
        assert (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].tokens > 0
        assert len([*temporary.iterdir()]) == 1

    assert len(reasons) == 1
    assert [*temporary.iterdir()] == []


async def test_a_model_loads_without_any_writable_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nano: Path
) -> None:
    """Not even a temporary file is needed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    async with Engine(EngineOptions(threads=1), log=None) as engine:
        assert (await engine.load_model(nano)).context > 0


async def test_a_killed_worker_names_its_temporary_log(temporary: Path, nano: Path) -> None:
    """The file that the message names is there; the next worker has another."""
    async with Engine(EngineOptions(threads=1), log=None) as engine:
        await engine.load_model(nano)
        assert engine.worker_pid
        os.kill(engine.worker_pid, signal.SIGKILL)
        with pytest.raises(WorkerCrashedError) as caught:
            await count_for_ever(engine)
        named = re.search(rf"{re.escape(str(temporary))}\S+\.log", caught.value.remedy)
        assert named
        assert Path(named[0]).is_file()
        assert (await engine.load_model(nano)).context > 0

    assert [str(path) for path in temporary.iterdir()] == [named[0]]

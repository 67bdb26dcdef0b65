"""An engine that its owner forgets to close."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local.engine.client import Engine
from rm_local.options import EngineOptions


async def test_an_engine_says_what_runs(engine: Engine, tiny: Path) -> None:
    """Its model and its process, or that neither is there."""
    assert repr(engine) == "<Engine: no model, no process>"
    await engine.load_model(tiny)
    assert repr(engine) == f"<Engine: tiny, process {engine.worker_pid}>"
    await engine.close()
    assert repr(engine) == "<Engine: no model, no process>"


async def test_an_engine_that_is_not_closed_warns(tiny: Path, tmp_path: Path) -> None:
    """When it is collected while its process runs."""
    engine = Engine(EngineOptions(threads=1), log=tmp_path / "worker.log")
    await engine.load_model(tiny)
    process = engine._process
    assert process

    with pytest.warns(ResourceWarning, match="was not closed"):
        del engine
    await process.close()

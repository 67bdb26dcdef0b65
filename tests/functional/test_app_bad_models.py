"""Models that fail in the app, over the real runtime: a note each, and the next question works."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from textual.pilot import Pilot

from rm_local.loop.events import ModelLoading
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from rm_local.tui.app import RmLocalApp
from tests.functional.test_app_real import QUESTION, wait
from tests.support.bad_models import REFUSED
from tests.support.script import SIZE, ask, shown, until


async def kill_while_loading(runtime: Runtime) -> None:
    """Kill the model's process when its loading is reported for the first time."""
    async for event in runtime.watch_events_between_turns():
        if isinstance(event, ModelLoading) and runtime.engine.worker_pid:
            os.kill(runtime.engine.worker_pid, signal.SIGKILL)
            return


async def without_model(pilot: Pilot[None], app: RmLocalApp) -> None:
    """Until the status says that no model could be loaded."""
    await until(pilot, lambda: "no model" in shown(app, "#status-left"))


@pytest.mark.parametrize("name", ["no layers", "architecture", "template loops"])
async def test_a_model_that_cannot_be_loaded_leaves_a_working_app(
    tmp_path: Path, name: str
) -> None:
    """It is reported on the screen, nothing tries again by itself, and another model answers."""
    make, words, _ = REFUSED[name]
    runtime = Runtime(Settings(model=make(tmp_path / "bad.gguf"), plan="direct"))
    app = RmLocalApp(runtime, plan="direct")
    async with app.run_test(size=SIZE) as pilot:
        await without_model(pilot, app)
        assert words in shown(app, "#welcome-note")

        runtime.model = Runtime(Settings()).model
        await ask(pilot, QUESTION)
        await wait(pilot, app)

        assert "rm-nano" in shown(app, "#status-left")


async def test_a_worker_killed_while_it_loads_leaves_a_working_app() -> None:
    """As when memory runs out: reported with the file's name, and the next question loads it."""
    runtime = Runtime(Settings())
    app = RmLocalApp(runtime, plan="direct")
    killing = asyncio.ensure_future(kill_while_loading(runtime))
    async with app.run_test(size=SIZE) as pilot:
        await without_model(pilot, app)
        await killing
        assert "could not be loaded" in shown(app, "#welcome-note")
        assert "SIGKILL" in shown(app, "#welcome-note")

        await ask(pilot, QUESTION)
        await wait(pilot, app)


async def test_a_model_that_computes_no_numbers_fails_its_turn(tmp_path: Path) -> None:
    """The turn says so and ends; the app still works, with another model too."""
    make, words, _ = REFUSED["not numbers"]
    runtime = Runtime(Settings(model=make(tmp_path / "bad.gguf")))
    app = RmLocalApp(runtime, plan="direct")
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, QUESTION)
        await wait(pilot, app, answered=False)
        assert words in shown(app, "#answer-note")

        await runtime.unload_model()
        runtime.model = Runtime(Settings()).model
        await ask(pilot, QUESTION)
        await wait(pilot, app)

"""The app's welcome on a machine without a model of its own."""

from __future__ import annotations

import pytest

from rm_local.errors import ModelNotFoundError
from rm_local.library.first_steps import ABOUT, FirstSteps, suggest_catalog_model
from tests.support.fake_runtime import FakeRuntime
from tests.support.script import SIZE, ask, opened, shown, until

STEPS = FirstSteps(
    "rm-nano", ABOUT["rm-nano"], 8 * 10**9, suggest_catalog_model(8 * 10**9), ("mine",)
)


class FirstRuntime(FakeRuntime):
    """A runtime of a user who has named no model."""

    steps: FirstSteps | Exception = STEPS

    async def find_first_steps_unless_model_named(self) -> FirstSteps:
        """Return the steps, or raise."""
        if isinstance(self.steps, Exception):
            raise self.steps
        return self.steps


@pytest.mark.parametrize("size", [(80, 24), (120, 36), SIZE])
async def test_the_welcome_says_what_to_do_first(size: tuple[int, int]) -> None:
    """What the model is, questions, the model that is there, and the command for a better one."""
    app = opened(FirstRuntime())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "rm-nano is" in shown(app, "#welcome-note"))
        text = shown(app, "#welcome-note")
        assert "What is the kinetic energy" in text
        assert "rm-local --model mine" in text
        assert "rm-local models pull" in text
        note, welcome = app.screen.query_one("#welcome-note"), app.screen.query_one("#welcome")
        assert welcome.region.contains_region(note.region)


async def test_it_gives_way_to_the_first_question() -> None:
    """A turn takes the whole place."""
    app = opened(FirstRuntime())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "rm-nano is" in shown(app, "#welcome-note"))
        await ask(pilot)
        await until(pilot, lambda: not app.screen.query_one("#welcome").display)


@pytest.mark.parametrize(
    "error", [OSError(13, "Permission denied"), ModelNotFoundError("gone"), OSError(5, "I/O error")]
)
async def test_a_search_that_fails_is_no_error(error: Exception) -> None:
    """The welcome is as always, and a question is answered."""
    runtime = FirstRuntime()
    runtime.steps = error
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: runtime.info is not None)
        await ask(pilot)
        await until(pilot, lambda: bool(runtime.questions))
        assert shown(app, "#welcome-note") == ""

"""The app over the real runtime: worker process, shipped model and shipped store."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator
from typing import Any

from textual.pilot import Pilot

from rm_local import paths, sessions, settings
from rm_local.loop.events import Event, Formulated
from rm_local.runtime import Runtime
from rm_local.tui.app import RmLocalApp
from tests.support.script import ask, shown, until

QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"


class KillsOnce(Runtime):
    """Kills the model's process when the first turn's subproblem stands."""

    killed = False

    async def solve(self, *asked: Any, **how: Any) -> AsyncGenerator[Event, None]:
        """The turn's events."""
        async for event in super().solve(*asked, **how):
            if isinstance(event, Formulated) and not self.killed and self.engine.worker_pid:
                self.killed = True
                os.kill(self.engine.worker_pid, signal.SIGKILL)
            yield event


async def wait(pilot: Pilot[None], app: RmLocalApp, *, answered: bool = True) -> None:
    """Until the turn is over, with an answer or without."""

    def is_over() -> bool:
        turn = app.chat.state.turn
        over = turn is not None and not app.chat.state.is_turn_running and not turn.is_in_progress
        return turn is not None and over and (turn.stage == "answered") == answered

    await until(pilot, is_over)


async def test_the_shipped_model_answers_a_whole_turn() -> None:
    """Asked before the model is there: subproblem, hits, branches, an answer, a saved session."""
    app = RmLocalApp(Runtime(settings.load_settings()))
    async with app.run_test(size=(120, 36)) as pilot:
        await ask(pilot, QUESTION)
        await wait(pilot, app)
        turn = app.chat.state.turn
        assert turn is not None
        assert turn.subproblem
        assert turn.hits
        assert all(branch.tokens for branch in turn.branches)
        assert "token" in shown(app, "#answer-carried")
        assert "Q8_0" in shown(app, "#status-left")
    saved = sessions.list_sessions()
    assert [(session.question, session.turns) for session in saved] == [(QUESTION, 1)]
    assert sessions.read_session_turns(saved[0].path)[0].answer == turn.answer


async def test_a_killed_worker_leaves_a_working_app() -> None:
    """SIGKILL in the middle of a turn is a note on screen; the next question is answered."""
    app = RmLocalApp(KillsOnce(settings.load_settings()))
    async with app.run_test(size=(120, 36)) as pilot:
        await ask(pilot, QUESTION)
        await wait(pilot, app, answered=False)
        assert "✕ Failed" in shown(app, "#answer-head")
        assert str(paths.worker_log()) in shown(app, "#answer-note")
        await ask(pilot, QUESTION)
        await wait(pilot, app)
        assert "token" in shown(app, "#answer-carried")

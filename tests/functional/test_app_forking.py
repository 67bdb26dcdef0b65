"""A conversation in the app: follow-ups, edited questions, forks, going back, saved sessions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from textual.widgets import OptionList, TextArea

from rm_local.loop.events import Failed
from rm_local.sessions import list_sessions, read_session_turns
from rm_local.tui.app import RmLocalApp
from rm_local.tui.messages import ModelReady
from rm_local.tui.screens.sessions import Sessions
from rm_local.tui.widgets.past_turn import PastTurn
from rm_local.tui.widgets.prompt import Prompt
from tests.support.script import (
    INFO,
    MORE,
    QUESTION,
    SIZE,
    ask,
    ended,
    followed,
    formulation,
    halted,
    opened,
    reasoning,
    retrieval,
    save_session,
    scripted,
    shown,
    turn,
    until,
    whole,
)


def past(app: RmLocalApp) -> list[tuple[int, bool]]:
    """The old turns as they stand there: number, and whether they are aside."""
    return [(old.turn.number, old.has_class("-aside")) for old in app.chat.query(PastTurn)]


def typed(app: RmLocalApp) -> str:
    """What stands in the prompt."""
    return app.chat.query_one("#prompt", TextArea).text


async def test_a_question_follows_the_one_before() -> None:
    """Also when that came to nothing; after Ctrl+N it follows none."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        runtime.events = [Failed("It broke.", "Mend it.", 3)]
        await ask(pilot, MORE)
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        runtime.events = whole()
        await ask(pilot, MORE)
        await until(pilot, lambda: len(runtime.solved) == 3 and ended(app))
        assert followed(app) == [0, 1, 2]
        assert shown(app, "#question") == f"3  {MORE}"
        assert past(app) == [(1, False), (2, False)]
        await pilot.press("ctrl+n")
        await ask(pilot)
        await until(pilot, lambda: len(runtime.solved) == 4 and ended(app))
        assert followed(app) == [0]
        assert shown(app, "#question") == QUESTION


async def test_a_question_that_waits_follows_the_turn_that_ends() -> None:
    """What it follows is settled when it is asked."""
    runtime = scripted([*formulation(), *retrieval(), *reasoning()], stopped=halted())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: len(turn(app).branches) == 6)
        await ask(pilot, MORE)
        runtime.events = whole()
        assert runtime.control is not None
        runtime.control.stop()
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert followed(app) == [0, 1]


async def test_an_edited_question_takes_the_old_ones_place() -> None:
    """F5 puts it into the prompt; what was typed there comes back. The old one is set aside."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        for question in (QUESTION, MORE):
            await ask(pilot, question)
            await until(pilot, lambda: ended(app))
        await pilot.press("d", "r", "a", "f", "t")
        await pilot.press("f5")
        assert typed(app) == MORE
        assert "in this question's place" in str(app.chat.query_one("#prompt").border_subtitle)
        await pilot.press("!", "enter")
        await until(pilot, lambda: len(runtime.solved) == 3 and ended(app))
        assert runtime.questions[2] == f"{MORE}!"
        assert followed(app) == [0, 1, 1]
        assert past(app) == [(1, False), (2, True)]
        assert shown(app, "#question") == f"3 · after 1  {MORE}!"
        assert typed(app) == "draft"


async def test_escape_leaves_the_question_as_it_was() -> None:
    """Nothing is asked, and what was typed is back; the next question is an ordinary one."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("a", "f5", "f5", "b", "escape")
        assert typed(app) == "a"
        assert app.chat.query_one("#prompt").border_subtitle is None
        await pilot.press("enter")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert (runtime.questions[1], followed(app)) == ("a", [0, 1])


async def test_editing_the_question_of_a_running_turn_stops_it() -> None:
    """It is kept, set aside."""
    runtime = scripted([*formulation(), *retrieval(), *reasoning()])
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: len(turn(app).branches) == 6)
        await pilot.press("f5", "!")
        runtime.events = whole()
        await pilot.press("enter")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert followed(app) == [0, 0]
        assert [old.turn.stage for old in app.chat.query(PastTurn)] == ["stopped"]


async def test_a_turn_that_is_run_again_is_a_fork_of_it() -> None:
    """F3 asks in the same place, each time with a seed that was not used."""
    runtime = scripted(whole())
    app = opened(runtime)

    def done(count: int) -> bool:
        return len(runtime.solved) == count and ended(app)

    async with app.run_test(size=SIZE) as pilot:
        for question in (QUESTION, MORE):
            await ask(pilot, question)
            await until(pilot, lambda: ended(app))
        for count in (3, 4):
            await pilot.press("f3")
            await until(pilot, partial(done, count))
        assert followed(app) == [0, 1, 1, 1]
        assert [solved.overrides.seed for solved in runtime.solved] == [0, 0, 1, 2]
        assert past(app) == [(1, False), (2, True), (3, True)]


async def test_one_goes_back_to_an_earlier_turn() -> None:
    """b on an old turn makes it the current one: it can be edited, run again and followed."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        for question in (QUESTION, MORE):
            await ask(pilot, question)
            await until(pilot, lambda: ended(app))
        app.chat.query_one(PastTurn).focus()
        await pilot.press("b")
        await until(pilot, lambda: turn(app).number == 1)
        assert shown(app, "#question") == QUESTION
        assert past(app) == [(2, True)]
        await ask(pilot, "Another way?")
        await until(pilot, lambda: len(runtime.solved) == 3 and ended(app))
        assert followed(app) == [0, 1, 1]
        assert past(app) == [(1, False), (2, True)]


async def test_going_back_waits_for_the_running_turn() -> None:
    """The user is asked to stop it first."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        runtime.events = [*formulation(), *retrieval(), *reasoning()]
        await ask(pilot, MORE)
        await until(pilot, lambda: len(turn(app).branches) == 6)
        app.chat.query_one(PastTurn).focus()
        await pilot.press("b")
        await pilot.pause()
        assert turn(app).question == MORE


async def test_a_saved_session_is_resumed(tmp_path: Path) -> None:
    """g takes it back to the chat: its last turn is the current one, which the next follows."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "something else")
        await until(pilot, lambda: ended(app))
        save_session(tmp_path)
        store = SimpleNamespace(
            list_sessions=lambda: list_sessions(tmp_path), read_session_turns=read_session_turns
        )
        await app.push_screen(Sessions(lambda: store), app.chat.resume_session)
        saved = app.screen.query_one("#sessions-list", OptionList)
        await until(pilot, lambda: saved.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.screen.query_one("#session").display))
        await pilot.press("g")
        await until(pilot, lambda: app.screen is app.chat and turn(app).number == 2)
        assert shown(app, "#question") == f"2  {MORE}"
        assert "19/12" in shown(app, "#answer-head")
        assert past(app) == [(1, False)]
        await ask(pilot, "Why?")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert followed(app) == [0, 1, 2]


async def test_a_saved_turn_is_run_again(tmp_path: Path) -> None:
    """F3 on the last turn of a session that was taken back: a fork of it."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.chat.backend.info is not None)
        app.chat.resume_session(save_session(tmp_path))
        await until(pilot, lambda: app.chat.state.turn is not None and turn(app).number == 2)
        await pilot.press("f3")
        await until(pilot, lambda: len(runtime.solved) == 1 and ended(app))
        assert (turn(app).question, turn(app).after) == (MORE, 1)


async def test_a_session_that_cannot_be_resumed_is_reported() -> None:
    """The current one stays as it is."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        app.chat.resume_session(Path("x.jsonl"))
        await until(pilot, lambda: bool(app._notifications))
        assert any("x.jsonl: No such file" in note.message for note in app._notifications)
        assert shown(app, "#question") == QUESTION


async def test_a_model_for_single_questions_says_so() -> None:
    """In the prompt, as long as nothing is typed; one that takes conversations says nothing."""
    app = opened(scripted(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.chat.backend.entries is not None)
        prompt = app.chat.query_one(Prompt)
        assert prompt.placeholder == "Ask a hard question"
        app.chat.post_message(ModelReady(replace(INFO, converses=False)))
        await until(pilot, lambda: "rm-nano reads no earlier ones" in str(prompt.placeholder))

"""A question in the app: when it is asked, what is shown of its turn, and what goes wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from textual.events import Key
from textual.widgets import Digits, TextArea

from rm_local.engine.branches import ContextOverflowReport
from rm_local.errors import ModelNotFoundError, StoreNotFoundError
from rm_local.loop.events import Failed, HintCutOrLeftOut
from rm_local.tui.widgets.past_turn import PastTurn
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import INFO, FakeEngine, died, say, think
from tests.support.script import (
    QUESTION,
    SIZE,
    SUBPROBLEM,
    ask,
    ended,
    formulation,
    opened,
    reasoning,
    retrieval,
    scripted,
    shown,
    turn,
    until,
    whole,
)


async def test_a_whole_turn_is_shown() -> None:
    """Subproblem, hits, branches and the answer with what carried it stand on the screen."""
    app = opened(scripted(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        assert SUBPROBLEM in shown(app, "#formulate-head")
        assert "3 hits" in shown(app, "#retrieve-head")
        assert "6 branches" in shown(app, "#reason-head")
        assert "19/12" in shown(app, "#answer-head")
        assert "4 of 6 branches agreed · under hints 1 and 2" in shown(app, "#answer-carried")


async def test_room_that_was_made_is_said_and_the_context_is_counted() -> None:
    """What was left out is notified; the top line says how full the context really is."""
    made = ContextOverflowReport(
        'The context was full: the oldest turn was left out: "one?".', 1, 4096
    )
    app = opened(FakeRuntime(FakeEngine(room=made, prompt_tokens=2048)))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        assert any(made.message in note.message for note in app._notifications)
        assert "50 %" in shown(app, "#status-right")


async def test_a_hint_that_is_cut_is_said() -> None:
    """As a notice; the turn continues to its answer."""
    cut = HintCutOrLeftOut(17, "The hint of entry 17 needs 9,000 tokens: it is left out.", 9000, 0)
    app = opened(scripted([*formulation(), *retrieval(), cut, *whole()[len(formulation()) + 1 :]]))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        assert any(cut.message in note.message for note in app._notifications)
        assert "19/12" in shown(app, "#answer-head")


async def test_the_last_tokens_are_drawn() -> None:
    """Text that came after the last redraw is there when the turn has ended."""
    script = [*formulation(), *retrieval(), *reasoning(), Failed("It broke.", "Mend it.", 3)]
    app = opened(scripted(script))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        drawn = [str(line.render()) for line in app.screen.query(".thinking")]
        assert drawn == [branch.thinking for branch in turn(app).branches]


async def test_the_real_loop_fills_the_screen() -> None:
    """The same screen over the real loop and a scripted engine."""
    app = opened(FakeRuntime())
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "What is 4 + 4?")
        await until(pilot, lambda: ended(app))
        assert turn(app).stage == "answered"
        assert app.screen.query_one("#answer-large", Digits).value == "8"


async def test_a_question_typed_while_the_model_loads_is_asked_when_it_is_there() -> None:
    """It waits, with a note, and runs by itself."""
    loading = asyncio.Event()
    runtime = scripted(whole(), loading=loading)
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: app.chat.state.pending is not None)
        assert runtime.solved == []
        assert "asked when the model is there" in str(app.chat.query_one("#prompt").border_subtitle)
        assert "loading the model" in shown(app, "#status-left")
        assert "45 %" in shown(app, "#status-left")
        loading.set()
        await until(pilot, lambda: ended(app))
        assert runtime.questions == [QUESTION]
        assert "rm-nano · Q8_0 · CPU, 2 threads" in shown(app, "#status-left")


async def test_an_unloaded_model_is_shown_and_loads_with_the_next_question() -> None:
    """The status says so; the question waits while it loads again, with progress."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "1,204 entries" in shown(app, "#status-right"))
        runtime.engine.loading = asyncio.Event()
        await runtime.unload_model()
        await until(pilot, lambda: "rm-nano · unloaded" in shown(app, "#status-left"))
        assert "1,204 entries" in shown(app, "#status-right")
        await ask(pilot)
        await until(pilot, lambda: "45 %" in shown(app, "#status-left"))
        assert runtime.solved == []
        runtime.engine.loading.set()
        await until(pilot, lambda: ended(app))
        assert "Q8_0" in shown(app, "#status-left")


async def test_escape_gives_a_waiting_question_back() -> None:
    """What was typed is in the prompt again."""
    runtime = scripted(loading=asyncio.Event())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "Why?")
        await until(pilot, lambda: app.chat.state.pending is not None)
        await pilot.press("escape")
        assert app.chat.state.pending is None
        assert app.chat.query_one("#prompt", TextArea).text == "Why?"


async def test_a_second_question_waits_for_the_first() -> None:
    """It is asked when the running turn ends, which moves up into the transcript."""
    runtime = scripted([*formulation(), *retrieval()])
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "first")
        await until(pilot, lambda: app.chat.state.is_turn_running)
        await ask(pilot, "second")
        assert runtime.questions == ["first"]
        runtime.events = whole()
        assert runtime.control is not None
        runtime.control.stop()
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert [past.turn.question for past in app.chat.query(PastTurn)] == ["first"]
        assert turn(app).question == "second"


async def test_a_killed_worker_is_a_message_and_the_next_question_works() -> None:
    """What failed and what to do are reported; nothing has to be restarted by hand."""
    runtime = FakeRuntime(FakeEngine(branches=[[think("4 and"), died()]]))
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "What is 4 + 4?")
        await until(pilot, lambda: ended(app))
        assert "✕ Failed" in shown(app, "#answer-head")
        assert "killed (SIGKILL)" in shown(app, "#answer-note")
        assert "worker.log" in shown(app, "#answer-note")
        runtime.engine.branches = [[think("4 and 4 make 8."), say("Answer: 8")]]
        await ask(pilot, "What is 4 + 4?")
        await until(pilot, lambda: ended(app) and turn(app).stage == "answered")
        assert app.screen.query_one("#answer-large", Digits).value == "8"


async def test_a_missing_model_is_reported_and_the_question_is_kept() -> None:
    """Message and remedy stand on the screen, the question is back in the prompt."""
    error = ModelNotFoundError("There is no model at /m.gguf.", "Choose one with --model FILE.")
    app = opened(scripted(model_error=error))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "no model" in shown(app, "#status-left"))
        assert "There is no model at /m.gguf." in shown(app, "#welcome-note")
        assert "Choose one with --model FILE." in shown(app, "#welcome-note")
        await ask(pilot, "Why?")
        await until(pilot, lambda: app.chat.query_one("#prompt", TextArea).text == "Why?")


async def test_a_missing_store_is_reported_at_once() -> None:
    """The model is there; what is wrong with the store is said before anything is asked."""
    error = StoreNotFoundError("There is no store at /s.rms.", "Choose one with --store FILE.")
    app = opened(scripted(store_error=error))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "no store" in shown(app, "#welcome-note"))
        assert "rm-nano" in shown(app, "#status-left")


async def test_an_unexpected_error_in_a_turn_is_reported() -> None:
    """An error that nobody foresaw becomes a note as well."""

    class Broken(FakeRuntime):
        async def solve(self, *_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("by zero")
            yield

    app = opened(Broken())
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        assert "ZeroDivisionError: by zero" in shown(app, "#answer-note")


async def test_a_question_can_have_several_lines() -> None:
    """Ctrl+J begins a new line; Enter asks."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("a", "ctrl+j", "b", "enter")
        await until(pilot, lambda: ended(app))
        assert runtime.questions == ["a\nb"]


async def test_keys_that_come_all_at_once_are_taken_in_their_order() -> None:
    """Enter asks what was typed before it, even when nothing of that was drawn yet."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for key, character in (("a", "a"), ("b", "b"), ("enter", "\r"), ("c", "c")):
            app.post_message(Key(key, character))
        await until(pilot, lambda: ended(app))
        assert runtime.questions == ["ab"]
        assert app.chat.query_one("#prompt", TextArea).text == "c"


async def test_a_notice_is_shown_once() -> None:
    """What is said about the model when it is loaded, and again, is one notification."""
    note = "The memory that is free holds a context of 4,096 tokens, not 16,384."
    runtime = FakeRuntime(FakeEngine(info=replace(INFO, notes=(note,))))
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        runtime.publish_notice_once(note)
        runtime.publish_notice_once("The log cannot be written.")
        await until(pilot, lambda: len(app._notifications) == 2)
        shown_notes = [notification.message for notification in app._notifications]
        assert shown_notes == [note, "The log cannot be written."]


async def test_a_model_that_died_between_turns_is_loaded_for_the_next() -> None:
    """The top line shows how far it is, and the question is asked when it is there."""
    runtime = FakeRuntime()
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        runtime.engine.loading = asyncio.Event()
        await runtime.engine.close()
        await ask(pilot)
        await until(pilot, lambda: "50 %" in shown(app, "#status-left"))
        runtime.engine.loading.set()
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert turn(app).stage == "answered"


async def test_leaving_closes_the_runtime() -> None:
    """The model's process ends with the app."""
    runtime = scripted([*formulation()])
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: app.chat.state.is_turn_running)
        await pilot.press("ctrl+q")
    assert runtime.closed

"""The app under a pilot's hands, over a scripted runtime."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.events import Key
from textual.widgets import Input, OptionList, Static, TextArea

from rm_local.errors import ModelMissing, StoreMissing
from rm_local.loop.events import Failed
from rm_local.records import Entry, Hit
from rm_local.tui.app import RmLocalApp
from rm_local.tui.screens.help import Help
from rm_local.tui.screens.reader import Reader
from rm_local.tui.screens.sessions import Sessions
from rm_local.tui.turn import TurnView
from rm_local.tui.widgets.hits import Hits
from rm_local.tui.widgets.past import PastTurn
from rm_local.tui.widgets.transcript import Transcript
from tests.fakes import FakeEngine, FakeRuntime, died, say, think
from tests.script import (
    HITS,
    QUESTION,
    SUBPROBLEM,
    FakeShelf,
    ScriptedRuntime,
    ask,
    formulation,
    halted,
    reasoning,
    retrieval,
    shown,
    until,
    whole,
)

SIZE = (120, 36)


def opened(runtime: Any) -> RmLocalApp:
    """The app over `runtime`, with a clock that stands still."""
    return RmLocalApp(runtime, clock=lambda: 0.0)


def turn(app: RmLocalApp) -> TurnView:
    """The current turn, which there has to be."""
    assert app.chat.talk.turn is not None
    return app.chat.talk.turn


def ended(app: RmLocalApp) -> bool:
    """Whether a turn was begun and is over."""
    return app.chat.talk.turn is not None and not app.chat.talk.running


async def test_a_whole_turn_is_shown() -> None:
    """Subproblem, hits, branches and the answer with what carried it stand on the screen."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        assert SUBPROBLEM in shown(app, "#formulate-head")
        assert "3 hits" in shown(app, "#retrieve-head")
        assert "6 branches" in shown(app, "#reason-head")
        assert "19/12" in shown(app, "#answer-head")
        assert "4 of 6 branches agreed · under hints 1 and 2" in shown(app, "#answer-carried")


async def test_the_last_tokens_are_drawn() -> None:
    """Text that came after the last redraw is there when the turn has ended."""
    script = [*formulation(), *retrieval(), *reasoning(), Failed("It broke.", "Mend it.", 3)]
    app = opened(ScriptedRuntime(script))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        drawn = [str(line.render()) for line in app.screen.query(".thinking")]
        assert drawn == [branch.thinking for branch in turn(app).branches]


async def test_the_real_loop_fills_the_screen() -> None:
    """The same screen over the real loop and a scripted engine."""
    app = opened(FakeAll())
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "What is 4 + 4?")
        await until(pilot, lambda: ended(app))
        assert turn(app).stage == "answered"
        assert shown(app, "#answer-head").endswith(" 8")


async def test_escape_stops_and_keeps_what_there_is() -> None:
    """The partial texts stay, and the answer says that it was stopped early."""
    app = opened(ScriptedRuntime([*formulation(), *retrieval(), *reasoning()], stopped=halted()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: len(turn(app).branches) == 6)
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert "Stopped early, when 1 of 6 branches had finished." in shown(app, "#answer-note")
        assert all(branch.thinking for branch in turn(app).branches)


async def test_a_question_typed_while_the_model_loads_is_asked_when_it_is_there() -> None:
    """It waits, with a note, and runs by itself."""
    loading = asyncio.Event()
    runtime = ScriptedRuntime(whole(), loading=loading)
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: app.chat.talk.waiting is not None)
        assert runtime.solved == []
        assert "asked when the model is there" in str(app.chat.query_one("#prompt").border_subtitle)
        assert "loading the model" in shown(app, "#status-left")
        assert "45 %" in shown(app, "#status-left")
        loading.set()
        await until(pilot, lambda: ended(app))
        assert [question for question, _ in runtime.solved] == [QUESTION]
        assert "rm-nano · Q8_0 · CPU, 2 threads" in shown(app, "#status-left")


async def test_escape_gives_a_waiting_question_back() -> None:
    """What was typed is in the prompt again."""
    runtime = ScriptedRuntime(loading=asyncio.Event())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "Why?")
        await until(pilot, lambda: app.chat.talk.waiting is not None)
        await pilot.press("escape")
        assert app.chat.talk.waiting is None
        assert app.chat.query_one("#prompt", TextArea).text == "Why?"


async def test_a_second_question_waits_for_the_first() -> None:
    """It is asked when the running turn ends, which moves up into the transcript."""
    runtime = ScriptedRuntime([*formulation(), *retrieval()])
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "first")
        await until(pilot, lambda: app.chat.talk.running)
        await ask(pilot, "second")
        assert [question for question, _ in runtime.solved] == ["first"]
        runtime.events = whole()
        assert app.chat.talk.control is not None
        app.chat.talk.control.stop()
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert [past.view.question for past in app.chat.query(PastTurn)] == ["first"]
        assert turn(app).question == "second"


async def test_an_edited_subproblem_is_retrieved_and_reasoned_again() -> None:
    """F2 makes the line an input; Enter asks the same question under the new subproblem."""
    runtime = ScriptedRuntime(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("f2")
        field = app.screen.query_one("#subproblem", Input)
        assert (field.has_focus, field.value) == (True, SUBPROBLEM)
        field.value = "How do I find a common denominator?"
        await pilot.press("enter")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        question, steering = runtime.solved[1]
        assert question == QUESTION
        assert steering.subproblem == "How do I find a common denominator?"
        assert len(app.chat.query(PastTurn)) == 1


async def test_escape_leaves_the_subproblem_as_it_was() -> None:
    """Nothing is asked again."""
    runtime = ScriptedRuntime(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("f2", "x", "escape")
        assert SUBPROBLEM in shown(app, "#formulate-head")
        assert len(runtime.solved) == 1


async def test_pins_and_drops_go_into_the_next_retrieval() -> None:
    """p pins the hit under the cursor, d drops it, and F3 reasons again under both."""
    runtime = ScriptedRuntime(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        app.chat.query_one("#hits").focus()
        await pilot.press("p", "down", "d", "down", "d", "d")
        assert "1 pinned · 1 dropped" in shown(app, "#retrieve-head")
        await pilot.press("f3")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        _, steering = runtime.solved[1]
        assert steering.pinned == (HITS[0],)
        assert steering.dropped == frozenset({HITS[1].entry.id})
        assert steering.subproblem == SUBPROBLEM


async def test_reasoning_again_ends_a_running_turn_first() -> None:
    """The running turn is stopped and kept above; the new one begins by itself."""
    runtime = ScriptedRuntime([*formulation(), *retrieval(), *reasoning()])
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: len(turn(app).branches) == 6)
        runtime.events = whole()
        await pilot.press("f3")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert [past.view.stage for past in app.chat.query(PastTurn)] == ["stopped"]
        assert turn(app).stage == "answered"


async def test_enter_on_a_hit_opens_the_whole_entry() -> None:
    """The subroutine, the similarity and the source can be read; Esc closes."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        app.chat.query_one("#hits").focus()
        await pilot.press("enter")
        assert isinstance(app.screen, Reader)
        entry = shown(app, "#reader-text")
        assert HITS[0].entry.subroutine in entry
        assert "similarity 0.93" in entry
        assert "curriculum/fraction-sum" in entry
        await pilot.press("escape")
        assert app.screen is app.chat


async def test_a_click_opens_a_hit() -> None:
    """The mouse does what Enter does."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.click("#hits", offset=(20, 1))
        assert HITS[1].entry.subroutine in shown(app, "#reader-text")


async def test_a_branch_can_be_read_in_full() -> None:
    """In a small window, Enter on the list of branches opens its thinking and its answer."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        app.chat.query_one("#branch-list").focus()
        await pilot.press("down", "down", "enter")
        assert "3 + 5 is 8" in shown(app, "#reader-text")
        assert "Answer: 4/5" in shown(app, "#reader-text")


async def test_a_killed_worker_is_a_message_and_the_next_question_works() -> None:
    """What failed and what to do are told; nothing has to be restarted by hand."""
    runtime = FakeAll(branches=[[think("4 and"), died()]])
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
        assert shown(app, "#answer-head").endswith(" 8")


async def test_a_missing_model_is_told_and_the_question_is_kept() -> None:
    """Message and remedy stand on the screen, the question is back in the prompt."""
    error = ModelMissing("There is no model at /m.gguf.", "Choose one with --model FILE.")
    app = opened(ScriptedRuntime(model_error=error))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "no model" in shown(app, "#status-left"))
        assert "There is no model at /m.gguf." in shown(app, "#welcome-note")
        assert "Choose one with --model FILE." in shown(app, "#welcome-note")
        await ask(pilot, "Why?")
        await until(pilot, lambda: app.chat.query_one("#prompt", TextArea).text == "Why?")


async def test_a_missing_store_is_told_at_once() -> None:
    """The model is there; what is wrong with the store is said before anything is asked."""
    error = StoreMissing("There is no store at /s.rms.", "Choose one with --store FILE.")
    app = opened(ScriptedRuntime(memory_error=error))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "no store" in shown(app, "#welcome-note"))
        assert "rm-nano" in shown(app, "#status-left")


async def test_a_fault_in_a_turn_is_told_too() -> None:
    """An error that nobody foresaw becomes a note as well."""

    class Broken(ScriptedRuntime):
        async def solve(self, *_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("by zero")
            yield

    app = opened(Broken())
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        assert "ZeroDivisionError: by zero" in shown(app, "#answer-note")


async def test_text_of_an_entry_styles_and_steers_nothing() -> None:
    """Markup stays text, and escape sequences are gone."""
    evil = Hit(Entry("[red]How[/] \x1b[2Jdo I?", "[b]Do\x07[/b] it", "math", "x[/]", 5), 0.9)
    app = opened(ScriptedRuntime([*formulation(), *retrieval((evil,)), *whole()[-1:]]))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "[bold]Why?[/nonsense]")
        await until(pilot, lambda: ended(app))
        assert shown(app, "#question") == "[bold]Why?[/nonsense]"
        option = app.chat.query_one("#hits", Hits).get_option_at_index(0)
        assert "[red]How[/] do I?" in str(option.prompt)
        app.chat.query_one("#hits").focus()
        await pilot.press("enter")
        assert "[b]Do[/b] it" in shown(app, "#reader-text")


async def test_a_small_window_says_so_and_a_larger_one_works_again() -> None:
    """At 20x5 there is one note; at 80x24 the turn stands there as before."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: not app.chat.query_one("#body").display)
        assert app.chat.query_one("TooSmall").display
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: bool(app.chat.query_one("#body").display))
        assert not app.chat.query_one("TooSmall").display
        await ask(pilot, "again")
        await until(pilot, lambda: ended(app) and turn(app).question == "again")


async def test_old_turns_stay_above_and_reading_them_is_not_disturbed() -> None:
    """While the user reads above, a turn that goes on does not scroll the transcript."""
    runtime = ScriptedRuntime(whole())
    app = opened(runtime)
    async with app.run_test(size=(80, 24)) as pilot:
        for count in range(4):
            await ask(pilot, f"question {count}")
            await until(pilot, lambda: ended(app))
        assert [past.view.question for past in app.chat.query(PastTurn)] == [
            f"question {count}" for count in range(3)
        ]
        runtime.events = [*formulation(), *retrieval(), *reasoning()]
        await ask(pilot, "last")
        await until(pilot, lambda: len(turn(app).branches) == 6)
        transcript = app.chat.query_one(Transcript)
        transcript.scroll_home(animate=False)
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert transcript.scroll_y == 0


async def test_an_old_turn_unfolds() -> None:
    """Enter on an old turn shows its hits and branches."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=SIZE) as pilot:
        for question in ("first", "second"):
            await ask(pilot, question)
            await until(pilot, lambda: ended(app))
        past = app.chat.query_one(PastTurn)
        past.focus()
        await pilot.press("enter")
        assert past.query_one(".whole").display
        assert "hand/number-theory" in str(past.query_one(".whole", Static).render())


async def test_the_answer_is_copied() -> None:
    """F4 puts the answer's text on the clipboard."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("f4")
        assert app.clipboard == turn(app).answer_text


async def test_a_question_can_have_several_lines() -> None:
    """Ctrl+J begins a new line; Enter asks."""
    runtime = ScriptedRuntime(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("a", "ctrl+j", "b", "enter")
        await until(pilot, lambda: ended(app))
        assert [question for question, _ in runtime.solved] == ["a\nb"]


async def test_keys_that_come_all_at_once_are_taken_in_their_order() -> None:
    """Enter asks what was typed before it, even when nothing of that was drawn yet."""
    runtime = ScriptedRuntime(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for key, character in (("a", "a"), ("b", "b"), ("enter", "\r"), ("c", "c")):
            app.post_message(Key(key, character))
        await until(pilot, lambda: ended(app))
        assert [question for question, _ in runtime.solved] == ["ab"]
        assert app.chat.query_one("#prompt", TextArea).text == "c"


async def test_a_new_session_clears_the_screen() -> None:
    """Ctrl+N begins a new file and shows the welcome again."""
    runtime = ScriptedRuntime(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("ctrl+n")
        assert runtime.sessions == 2
        assert app.chat.query_one("#welcome").display
        assert app.chat.talk.turn is None


async def test_saved_sessions_are_listed_and_read() -> None:
    """Enter opens one, Esc goes back to the list and then to the chat."""
    app = opened(ScriptedRuntime())
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(Sessions(FakeShelf))
        sessions = app.screen.query_one("#sessions-list", OptionList)
        await until(pilot, lambda: sessions.option_count == 2)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen.query(PastTurn)) == 1)
        assert app.screen.query_one(PastTurn).view.subproblem == SUBPROBLEM
        await pilot.press("escape", "escape")
        assert app.screen is app.chat


async def test_without_saved_sessions_the_list_says_so() -> None:
    """Ctrl+O works before anything was saved."""
    app = opened(ScriptedRuntime())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "Nothing saved yet." in shown(app, "#sessions-note"))


async def test_the_footer_holds_what_can_be_done_now() -> None:
    """Stop is there while a turn runs; Copy, Again and Subproblem when there is something to."""
    app = opened(ScriptedRuntime([*formulation(), *retrieval()], stopped=halted()))

    def actions() -> set[str]:
        return {binding.binding.action for binding in app.screen.active_bindings.values()}

    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert not actions() & {"stop", "copy_answer", "again", "edit"}
        await ask(pilot)
        await until(pilot, lambda: turn(app).retrieved is not None)
        assert actions() >= {"stop", "again", "edit"}
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert actions() >= {"copy_answer", "again", "edit"}
        assert "stop" not in actions()


async def test_every_key_has_an_id_and_a_tooltip() -> None:
    """So that it can be given another key, and says what it does."""
    app = opened(ScriptedRuntime(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        ours = [widget for widget in (app, app.chat, *app.chat.query("*"))]
        for widget in ours:
            for binding in type(widget).__dict__.get("BINDINGS", ()):
                if type(widget).__module__.startswith("rm_local"):
                    assert binding.id, binding
                    assert binding.tooltip or binding.system, binding


async def test_help_opens_and_closes() -> None:
    """F1 shows the keys."""
    app = opened(ScriptedRuntime())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f1")
        assert isinstance(app.screen, Help)
        assert "Shift+Enter" in shown(app, "#help-text")
        await pilot.press("escape")
        assert app.screen is app.chat


async def test_leaving_closes_the_runtime() -> None:
    """The model's process ends with the app."""
    runtime = ScriptedRuntime([*formulation()])
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: app.chat.talk.running)
        await pilot.press("ctrl+q")
    assert runtime.closed


class FakeAll(FakeRuntime):
    """The fake runtime with what the app wants beside."""

    entries = 3

    def __init__(self, **engine: Any) -> None:
        super().__init__(FakeEngine(**engine))

    def new_session(self) -> None:
        """Nothing is saved here."""

"""What the user can do to a turn in the app: stop it, change its subproblem and hits, go again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from rm_local.loop import PLANS
from rm_local.tui.widgets.past_turn import PastTurn
from tests.support.fake_recall import FakeRecall
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import INFO, FakeEngine
from tests.support.script import (
    HITS,
    QUESTION,
    SIZE,
    SUBPROBLEM,
    ask,
    ended,
    formulation,
    halted,
    opened,
    reasoning,
    retrieval,
    scripted,
    shown,
    turn,
    until,
    whole,
)


async def test_escape_stops_and_keeps_what_there_is() -> None:
    """The partial texts stay, and the answer says that it was stopped early."""
    app = opened(scripted([*formulation(), *retrieval(), *reasoning()], stopped=halted()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: len(turn(app).branches) == 6)
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert "Stopped early, when 1 of 6 branches had finished." in shown(app, "#answer-note")
        assert all(branch.thinking for branch in turn(app).branches)


async def test_an_edited_subproblem_is_retrieved_and_reasoned_again() -> None:
    """F2 makes the line an input; Enter asks the same question under the new subproblem."""
    runtime = scripted(whole())
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
        question, steering = runtime.questions[1], runtime.solved[1].overrides
        assert question == QUESTION
        assert steering.subproblem == "How do I find a common denominator?"
        assert steering.author == "user"
        assert len(app.chat.query(PastTurn)) == 1


async def test_escape_leaves_the_subproblem_as_it_was() -> None:
    """Nothing is asked again."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("f2", "x", "escape")
        assert SUBPROBLEM in shown(app, "#formulate-head")
        assert len(runtime.solved) == 1


async def test_pins_and_drops_go_into_the_next_retrieval() -> None:
    """p pins the hit under the cursor, d drops it, and F3 reasons again under both."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        app.chat.query_one("#hits").focus()
        await pilot.press("p", "down", "d", "down", "d", "d")
        assert "1 pinned · 1 dropped" in shown(app, "#retrieve-head")
        await pilot.press("f3")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        steering = runtime.solved[1].overrides
        assert steering.pinned == (HITS[0],)
        assert steering.dropped == frozenset({HITS[1].key})
        assert (steering.subproblem, steering.author) == (SUBPROBLEM, "model")


async def test_a_turn_that_is_run_again_is_not_the_users_own() -> None:
    """F3 keeps the model's subproblem, shows it as such and searches with the question, too."""
    recall = FakeRecall()
    app = opened(FakeRuntime(recall=recall))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("f3")
        await until(pilot, lambda: len(recall.asked) == 2 and ended(app))
        assert "(yours)" not in shown(app, "#formulate-head")
        assert turn(app).author == "model"
        assert recall.questions == [QUESTION, QUESTION]
        assert recall.asked[0] == recall.asked[1]


async def test_reasoning_again_ends_a_running_turn_first() -> None:
    """The running turn is stopped and kept above; the new one begins by itself."""
    runtime = scripted([*formulation(), *retrieval(), *reasoning()])
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: len(turn(app).branches) == 6)
        runtime.events = whole()
        await pilot.press("f3")
        await until(pilot, lambda: len(runtime.solved) == 2 and ended(app))
        assert [past.turn.stage for past in app.chat.query(PastTurn)] == ["stopped"]
        assert turn(app).stage == "answered"


async def test_the_footer_holds_what_can_be_done_now() -> None:
    """Stop is there while a turn runs; Copy, Again and Subproblem when there is something to."""
    app = opened(scripted([*formulation(), *retrieval()], stopped=halted()))

    def actions() -> set[str]:
        return {binding.binding.action for binding in app.screen.active_bindings.values()}

    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert not actions() & {"stop", "copy_answer", "ask_again", "edit_subproblem"}
        await ask(pilot)
        await until(pilot, lambda: turn(app).retrieved is not None)
        assert actions() >= {"stop", "ask_again", "edit_subproblem"}
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert actions() >= {"copy_answer", "ask_again", "edit_subproblem"}
        assert "stop" not in actions()


async def test_every_key_has_an_id_and_a_tooltip() -> None:
    """So that it can be given another key, and says what it does."""
    app = opened(scripted(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        ours = [widget for widget in (app, app.chat, *app.chat.query("*"))]
        for widget in ours:
            for binding in type(widget).__dict__.get("BINDINGS", ()):
                if type(widget).__module__.startswith("rm_local"):
                    assert binding.id, binding
                    assert binding.tooltip or binding.system, binding


async def test_thinking_and_effort_are_set_for_the_next_question() -> None:
    """F8 and F9 change the plan, and the status says so; efforts are those of the model."""
    info = replace(INFO, efforts=("low", "high"))
    runtime = FakeRuntime(FakeEngine(info=info))
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "fake" in shown(app, "#status-left"))
        await pilot.press("f9", "f9")
        assert " · effort high · " in shown(app, "#status-left")
        await ask(pilot, "What is 4 + 4?")
        await until(pilot, lambda: ended(app))
        await pilot.press("f9", "f8")
        assert " · no thinking · " in shown(app, "#status-left")
        await ask(pilot, "What is 4 + 4?")
        await until(pilot, lambda: ended(app))
        await pilot.press("f8")
        assert shown(app, "#status-left").endswith("CPU, 2 threads")
    assert list(dict.fromkeys(runtime.engine.manners)) == [(True, "high"), (False, "")]


async def test_memory_is_asked_where_it_fits_always_or_never() -> None:
    """Ctrl+G changes that for the next question; the status says what is not the default."""
    recall = FakeRecall(fits=False)
    app = opened(FakeRuntime(recall=recall))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "fake" in shown(app, "#status-left"))
        await ask(pilot, "Hello")
        await until(pilot, lambda: ended(app))
        assert recall.asked == []
        await pilot.press("ctrl+g")
        assert " · memory always · " in shown(app, "#status-left")
        await ask(pilot, "Hello")
        await until(pilot, lambda: ended(app))
        assert len(recall.asked) == 1
        await pilot.press("ctrl+g")
        assert " · memory never · " in shown(app, "#status-left")
        await ask(pilot, "Hello")
        await until(pilot, lambda: ended(app))
        assert (len(recall.asked), len(recall.judged)) == (1, 1)
        await pilot.press("ctrl+g")
        assert "memory" not in shown(app, "#status-left")


async def test_a_change_of_memory_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a narrow window the status may have no room for it."""
    said: list[str] = []
    app = opened(FakeRuntime())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "fake" in shown(app, "#status-left"))
        monkeypatch.setattr(app.chat, "notify", lambda text, **_: said.append(text))
        await pilot.press("ctrl+g", "ctrl+g", "ctrl+g")

    assert said == ["Memory: always.", "Memory: never.", "Memory: where something fits."]


async def test_a_plan_without_a_store_offers_no_memory() -> None:
    """There is nothing to turn on or off."""
    app = opened(FakeRuntime(), "length-vote")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "fake" in shown(app, "#status-left"))
        await pilot.press("ctrl+g")
        assert app.chat.plan == PLANS["length-vote"]


async def test_a_model_that_does_not_think_offers_neither() -> None:
    """The keys do nothing where there is nothing to choose."""
    app = opened(FakeRuntime(FakeEngine(info=replace(INFO, thinks=False))))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "fake" in shown(app, "#status-left"))
        await pilot.press("f8", "f9")
        assert shown(app, "#status-left").endswith("CPU, 2 threads")
        assert app.chat.plan.thinking

"""What the app looks like in each phase, at the least comfortable and at a comfortable size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, TextArea

from rm_local.errors import ModelNotFoundError
from rm_local.loop.events import Event, Failed
from rm_local.tui.app import RmLocalApp
from rm_local.tui.screens.sessions import Sessions
from tests.support.script import (
    MORE,
    FakeSessionReader,
    ask,
    formulation,
    halted,
    reasoning,
    retrieval,
    scripted,
    shown,
    until,
    whole,
)

SIZES = [(80, 24), (120, 36)]
Compare = Callable[..., bool]
Step = Callable[[Pilot[None]], Awaitable[None]]

both_sizes = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])


def app_of(events: Sequence[Event] = (), **parts: object) -> RmLocalApp:
    """The app over a script, with a clock that stands still."""
    return RmLocalApp(scripted(events, **parts), clock=lambda: 0.0)


def steps(app: RmLocalApp, *more: Step, holds: Callable[[], bool] | None = None) -> Step:
    """Ask, wait until all of the script is drawn and `holds`, then take the steps."""

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await until(pilot, lambda: app.chat.backend.entries is not None)
        await ask(pilot)
        await until(pilot, holds or (lambda: drawn(app, "#answer-carried", "4 of 6")))
        for step in more:
            await step(pilot)

    return run


def drawn(app: RmLocalApp, selector: str, text: str) -> bool:
    """Whether that line of the screen holds `text`."""
    return text in shown(app, selector)


def press(*keys: str) -> Step:
    """A step that presses keys."""

    async def step(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause()

    return step


async def still(pilot: Pilot[None]) -> None:
    """A step that keeps the cursor from blinking."""
    await pilot.pause()
    pilot.app.screen.query_one("#prompt", TextArea).cursor_blink = False


@both_sizes
def test_the_screen_shows_a_model_that_loads(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The welcome, and the model's progress in the top line."""
    app = app_of(loading=asyncio.Event())

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await until(pilot, lambda: drawn(app, "#status-left", "45 %"))

    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_the_welcome_when_idle(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    """The welcome; model, device, context and store in the top line."""
    app = app_of()

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await until(pilot, lambda: drawn(app, "#status-right", "1,204 entries"))

    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_a_question_that_waits(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    """A question that waits for the model is named on the prompt's edge."""
    app = app_of(loading=asyncio.Event())

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await ask(pilot)
        await until(pilot, lambda: app.chat.state.pending is not None)

    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_a_subproblem_half_written(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    """The subproblem half written; the phases after it wait, dim."""
    app = app_of(formulation()[:7])
    run = steps(app, holds=lambda: drawn(app, "#formulate-head", "How do I add two"))
    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_the_retrieved_hits(snap_compare: Compare, size: tuple[int, int]) -> None:
    """Three hits with bars, similarity, subproblem and source."""
    app = app_of([*formulation(), *retrieval()])
    run = steps(app, holds=lambda: drawn(app, "#retrieve-head", "3 hits"))
    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_pinned_and_dropped_hits(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    """The first hit pinned, the second dropped."""
    app = app_of(whole())

    async def to_hits(pilot: Pilot[None]) -> None:
        app.chat.query_one("#hits").focus()

    run = steps(app, to_hits, press("p", "down", "d"))
    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_branches_that_reason(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    """Six branches under way, with their hints' names and tokens."""
    app = app_of([*formulation(), *retrieval(), *reasoning()])
    run = steps(app, holds=lambda: drawn(app, "#reason-head", "90 tokens"))
    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_the_answer(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The answer, how many agreed, under which hints, tokens and seconds."""
    app = app_of(whole())
    assert snap_compare(app, terminal_size=size, run_before=steps(app))


@both_sizes
def test_the_screen_shows_a_stopped_turn(snap_compare: Compare, size: tuple[int, int]) -> None:
    """One branch was done, five are marked as cancelled, and the answer says so."""
    app = app_of([*formulation(), *retrieval(), *reasoning()], stopped=halted())
    run = steps(
        app,
        press("escape"),
        lambda pilot: until(pilot, lambda: drawn(app, "#answer-note", "Stopped early")),
        holds=lambda: drawn(app, "#reason-head", "90 tokens"),
    )
    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_a_failed_turn(snap_compare: Compare, size: tuple[int, int]) -> None:
    """What went wrong and what to do; what the branches had written is kept."""
    error = Failed("The model's process was killed (SIGKILL).", "Ask again; its log is x.log.", 3)
    app = app_of([*formulation(), *retrieval(), *reasoning(), error])
    run = steps(app, holds=lambda: drawn(app, "#answer-note", "killed"))
    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_a_missing_model(snap_compare: Compare, size: tuple[int, int]) -> None:
    """Message and remedy below the welcome."""
    error = ModelNotFoundError("There is no model at /m.gguf.", "Choose one with --model FILE.")
    app = app_of(model_error=error)

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await until(pilot, lambda: drawn(app, "#welcome-note", "There is no model"))

    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_a_whole_entry(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The whole entry in a frame above the turn."""
    app = app_of(whole())

    async def to_hits(pilot: Pilot[None]) -> None:
        app.chat.query_one("#hits").focus()

    assert snap_compare(app, terminal_size=size, run_before=steps(app, to_hits, press("enter")))


@both_sizes
def test_the_screen_shows_a_subproblem_being_edited(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    """The subproblem's line is an input."""
    app = app_of(whole())

    async def unblinking(pilot: Pilot[None]) -> None:
        app.chat.query_one("#subproblem").cursor_blink = False  # type: ignore[attr-defined]

    assert snap_compare(app, terminal_size=size, run_before=steps(app, unblinking, press("f2")))


@both_sizes
def test_the_screen_shows_a_second_turn(snap_compare: Compare, size: tuple[int, int]) -> None:
    """Scrolled up: the old turn stands above the new one in two lines."""
    app = app_of(whole())

    async def again(pilot: Pilot[None]) -> None:
        await ask(pilot, "And with 7/8 cup of milk?")
        await until(
            pilot, lambda: drawn(app, "#question", "milk") and not app.chat.state.is_turn_running
        )
        app.chat.query_one("#transcript").scroll_home(animate=False)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps(app, again))


@both_sizes
def test_the_screen_shows_a_forked_turn(snap_compare: Compare, size: tuple[int, int]) -> None:
    """Scrolled up: the second turn's question was edited; its old form is set aside, dim."""
    app = app_of(whole())

    async def again(pilot: Pilot[None]) -> None:
        await ask(pilot, MORE)
        await until(
            pilot, lambda: drawn(app, "#question", "milk") and not app.chat.state.is_turn_running
        )
        await pilot.press("f5", "!", "enter")
        await until(
            pilot, lambda: drawn(app, "#question", "!") and not app.chat.state.is_turn_running
        )
        app.chat.query_one("#transcript").scroll_home(animate=False)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps(app, again))


@both_sizes
def test_the_screen_shows_a_question_being_edited(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    """The old question stands in the prompt, whose edge says what Enter and Esc do."""
    app = app_of(whole())
    assert snap_compare(app, terminal_size=size, run_before=steps(app, press("f5")))


@both_sizes
def test_the_screen_shows_the_saved_sessions(snap_compare: Compare, size: tuple[int, int]) -> None:
    """Two saved sessions, newest first."""
    app = app_of()

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await until(pilot, lambda: app.chat.backend.entries is not None)
        await app.push_screen(Sessions(FakeSessionReader))
        saved = app.screen.query_one("#sessions-list", OptionList)
        await until(pilot, lambda: saved.option_count == 2)

    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_one_saved_session(snap_compare: Compare, size: tuple[int, int]) -> None:
    """One session, unfolded, to read."""
    app = app_of()

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await until(pilot, lambda: app.chat.backend.entries is not None)
        await app.push_screen(Sessions(FakeSessionReader))
        saved = app.screen.query_one("#sessions-list", OptionList)
        await until(pilot, lambda: saved.option_count == 2)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.screen.query_one("#session").display))

    assert snap_compare(app, terminal_size=size, run_before=run)


@both_sizes
def test_the_screen_shows_the_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The phases and the keys."""
    app = app_of()

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        await until(pilot, lambda: app.chat.backend.entries is not None)
        await pilot.press("f1")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=run)


def test_a_wide_screen_shows_hits_and_branches(snap_compare: Compare) -> None:
    """On a wide screen the hits stand next to the branches, the chosen one's text below them."""
    app = app_of(whole())
    assert snap_compare(app, terminal_size=(180, 45), run_before=steps(app))


def test_a_small_screen_shows_one_note(snap_compare: Compare) -> None:
    """One note and nothing else."""
    app = app_of()

    async def run(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.chat.backend.entries is not None)

    assert snap_compare(app, terminal_size=(20, 5), run_before=run)

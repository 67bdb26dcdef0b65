"""What can be read and taken from the app: hits, branches, answers, old turns, sessions, help."""

from __future__ import annotations

from textual.widgets import OptionList, Static

from rm_local.records import Entry, Hit
from rm_local.tui.screens.help import Help
from rm_local.tui.screens.reader import Reader
from rm_local.tui.screens.sessions import Sessions
from rm_local.tui.widgets.hit_list import HitList
from rm_local.tui.widgets.past_turn import PastTurn
from rm_local.tui.widgets.transcript import Transcript
from tests.support.script import (
    HITS,
    SIZE,
    SUBPROBLEM,
    FakeSessionReader,
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


async def test_enter_on_a_hit_opens_the_whole_entry() -> None:
    """The subroutine, the similarity and the source can be read; Esc closes."""
    app = opened(scripted(whole()))
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
        assert app.chat.is_current


async def test_a_click_opens_a_hit() -> None:
    """The mouse does what Enter does."""
    app = opened(scripted(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.click("#hits", offset=(20, 1))
        assert HITS[1].entry.subroutine in shown(app, "#reader-text")


async def test_a_branch_can_be_read_in_full() -> None:
    """In a small window, Enter on the list of branches opens its thinking and its answer."""
    app = opened(scripted(whole()))
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        app.chat.query_one("#branch-list").focus()
        await pilot.press("down", "down", "enter")
        assert "3 + 5 is 8" in shown(app, "#reader-text")
        assert "Answer: 4/5" in shown(app, "#reader-text")


async def test_text_of_an_entry_styles_and_steers_nothing() -> None:
    """Markup stays text, and escape sequences are gone."""
    evil = Hit(Entry("[red]How[/] \x1b[2Jdo I?", "[b]Do\x07[/b] it", "math", "x[/]", id=5), 0.9)
    app = opened(scripted([*formulation(), *retrieval((evil,)), *whole()[-1:]]))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "[bold]Why?[/nonsense]")
        await until(pilot, lambda: ended(app))
        assert shown(app, "#question") == "[bold]Why?[/nonsense]"
        option = app.chat.query_one("#hits", HitList).get_option_at_index(0)
        assert "[red]How[/] do I?" in str(option.prompt)
        app.chat.query_one("#hits").focus()
        await pilot.press("enter")
        assert "[b]Do[/b] it" in shown(app, "#reader-text")


async def test_a_small_window_says_so_and_a_larger_one_works_again() -> None:
    """At 20x5 there is one note; at 80x24 the turn stands there as before."""
    app = opened(scripted(whole()))
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
    """While the user reads above, a turn that continues does not scroll the transcript."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=(80, 24)) as pilot:
        for count in range(4):
            await ask(pilot, f"question {count}")
            await until(pilot, lambda: ended(app))
        assert [past.turn.question for past in app.chat.query(PastTurn)] == [
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
    app = opened(scripted(whole()))
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
    app = opened(scripted(whole()))
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        await pilot.press("f4")
        assert app.clipboard == turn(app).answer_or_branch_texts


async def test_a_new_session_clears_the_screen() -> None:
    """Ctrl+N begins a new file and shows the welcome again."""
    runtime = scripted(whole())
    app = opened(runtime)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot)
        await until(pilot, lambda: ended(app))
        assert app.chat.session.path is not None
        await pilot.press("ctrl+n")
        assert app.chat.session.path is None
        assert app.chat.query_one("#welcome").display
        assert app.chat.state.turn is None


async def test_saved_sessions_are_listed_and_read() -> None:
    """Enter opens one, Esc goes back to the list and then to the chat."""
    app = opened(scripted())
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(Sessions(FakeSessionReader))
        sessions = app.screen.query_one("#sessions-list", OptionList)
        await until(pilot, lambda: sessions.option_count == 2)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen.query(PastTurn)) == 1)
        assert app.screen.query_one(PastTurn).turn.subproblem == SUBPROBLEM
        await pilot.press("escape", "escape")
        assert app.screen is app.chat


async def test_without_saved_sessions_the_list_says_so() -> None:
    """Ctrl+O works before anything was saved."""
    app = opened(scripted())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "Nothing saved yet." in shown(app, "#sessions-note"))


async def test_help_opens_and_closes() -> None:
    """F1 shows the keys."""
    app = opened(scripted())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f1")
        assert isinstance(app.screen, Help)
        assert "Shift+Enter" in shown(app, "#help-text")
        await pilot.press("escape")
        assert app.chat.is_current

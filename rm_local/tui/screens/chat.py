"""The one screen on which questions are asked and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer

from rm_local.engine.branches import ContextAdjusted
from rm_local.loop.events import Event, HintCut, failed
from rm_local.loop.plan import Plan
from rm_local.tui import format as fmt
from rm_local.tui import messages as told
from rm_local.tui import reasoning_mode
from rm_local.tui.chat_state import Ask, Conversation, Host
from rm_local.tui.keys import CHAT, possible
from rm_local.tui.screens import reader
from rm_local.tui.startup import open_all
from rm_local.tui.startup import told as as_told
from rm_local.tui.turn_view import STREAMED, replayed
from rm_local.tui.widgets.prompt import Prompt
from rm_local.tui.widgets.status import Status, StatusView
from rm_local.tui.widgets.too_small import TooSmall
from rm_local.tui.widgets.transcript import Transcript
from rm_local.tui.widgets.turn_panel import TurnPanel

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from rm_local.loop.control import TurnControl

REDRAWS = 15
"""Times a second, at most, that streaming text is drawn."""


class ChatScreen(Screen[None]):
    """Workers only post messages or move the `Conversation` on; `_draw` shows it."""

    BINDINGS: ClassVar[list[BindingType]] = CHAT

    def __init__(self, host: Host, plan: Plan, clock: Callable[[], float]) -> None:
        super().__init__()
        self.host = host
        self.plan = plan
        self.clock = clock
        self.talk = Conversation()
        self._status = StatusView()
        self._opening = False
        self._stale = False

    def compose(self) -> ComposeResult:
        """Status, turns, prompt, footer."""
        yield TooSmall()
        with Vertical(id="body"):
            yield Status(id="status")
            yield Transcript(id="transcript")
            yield Prompt(id="prompt")
            yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """The window is there first; the model comes behind it."""
        self.query_one(Prompt).focus()
        self.host.warn = self._tell
        self.host.on_unload = lambda: self.post_message(told.ModelUnloaded())
        self._tick = self.set_interval(1 / REDRAWS, self._draw_when_stale, pause=True)
        self.call_after_refresh(self.open)

    # Opening: model and store

    def open(self) -> None:
        """Load the model and open the store, unless that is done or under way."""
        if self._opening or (self._status.info is not None and self.host.info is not None):
            return
        self._opening = True
        self._set_status(StatusView(entries=self._status.entries))
        self._open()

    @work(group="open")
    async def _open(self) -> None:
        await open_all(self.host, self.post_message)

    @on(told.ModelProgress)
    def _loading(self, message: told.ModelProgress) -> None:
        if self._status.info is None:
            self._set_status(replace(self._status, share=message.share))

    @on(told.ModelReady)
    def _ready(self, message: told.ModelReady) -> None:
        self._opening = False
        self._set_status(replace(self._status, info=message.info))
        self.query_one(Prompt).invite(message.info)
        self._think_so(reasoning_mode.fitting(self.plan, message.info))
        self.query_one(Transcript).note(Content(""))
        if not self.talk.running:
            self._next(self.talk.end())

    @on(told.ModelUnloaded)
    def _unloaded(self) -> None:
        if self._status.info is not None and self.host.info is None:
            name, entries = self._status.info.name, self._status.entries
            self._set_status(StatusView(entries=entries, unloaded=name))

    @on(told.MemoryReady)
    def _searchable(self) -> None:
        self._set_status(replace(self._status, entries=self.host.entries))

    @on(told.OpeningFailed)
    def _not_opened(self, message: told.OpeningFailed) -> None:
        error = message.error
        if message.of_model:
            self._opening = False
            self._set_status(replace(self._status, failed=True))
            self._put_back(self.talk.stop())
        said, remedy = fmt.one_line(error.message), fmt.one_line(error.remedy)
        self.query_one(Transcript).note(Content.assemble((said, "$error"), "\n", remedy))
        if self.talk.turn is not None:
            self._tell(f"{said} {remedy}", "error")

    # Asking

    @on(told.QuestionSubmitted)
    def _asked(self, message: told.QuestionSubmitted) -> None:
        after = self._leave_edit()
        if after is not None:
            self._put_back(self.talk.stop())
        self.ask(Ask(message.question, after=after))

    @on(told.SubproblemEdited)
    def _edited(self, message: told.SubproblemEdited) -> None:
        self.query_one(Prompt).focus()
        self._ask_again(message.subproblem)

    def action_again(self) -> None:
        """Retrieve and reason again."""
        self._ask_again(None)

    def _ask_again(self, subproblem: str | None) -> None:
        if ask := self.talk.again(subproblem):
            self._put_back(self.talk.stop())
            self.ask(ask)

    def ask(self, ask: Ask) -> None:
        """Solve it now; or, while the model loads or another turn runs, as soon as may be."""
        if self.talk.running or self.host.info is None:
            self._put_back(self.talk.waiting)
            self.talk.waiting = ask
            reason = "this one ends" if self.talk.running else "the model is there"
            self.query_one(Prompt).say(f"asked when {reason}: {fmt.one_line(ask.question)}")
            self.refresh_bindings()
            if not self.talk.running:
                self.open()
            return
        self._keep_last()
        control = self.talk.begin(ask, self.clock())
        self._draw()
        self.refresh_bindings()
        self._tick.resume()
        self._solve(ask, control)

    @work(exclusive=True, group="turn")
    async def _solve(self, ask: Ask, control: TurnControl) -> None:
        try:
            after = self.talk.turn.after if self.talk.turn else 0
            stream = self.host.solve(
                ask.question, self.plan, steering=ask.steering(), control=control, after=after
            )
            async for event in stream:
                self._take(event)
        except Exception as error:  # the app outlives whatever a turn does
            self._take(failed(as_told(error)))
        finally:
            self.post_message(told.TurnEnded(self.talk.turn))

    def _take(self, event: Event) -> None:
        """Text is drawn by the clock, all else at once."""
        self.talk.take(event, self.clock(), self.host.turn)
        if isinstance(event, ContextAdjusted | HintCut):
            self._tell(event.message)
            self._set_status(replace(self._status, info=self.host.info))
        if isinstance(event, STREAMED):
            self._stale = True
            return
        self._draw()
        self.refresh_bindings()

    @on(told.TurnEnded)
    def _ended(self) -> None:
        self._tick.pause()
        waiting = self.talk.end()
        self._draw()
        self.refresh_bindings()
        if self.host.info is None:  # the model's process died with the turn
            self.talk.waiting = waiting
            self.open()
            return
        self._next(waiting)

    def _next(self, waiting: Ask | None) -> None:
        self.query_one(Prompt).say("")
        if waiting is not None:
            self.ask(waiting)

    def _keep_last(self) -> None:
        """The turn before this one moves up into the transcript."""
        if self.talk.turn is not None:
            self.query_one(Transcript).keep(self.talk.turn)

    def _tell(self, text: str, severity: SeverityLevel = "information") -> None:
        """A notice of what came from elsewhere; it stays long enough to be read."""
        self.notify(fmt.one_line(text), severity=severity, timeout=20, markup=False)

    def _put_back(self, waiting: Ask | None) -> None:
        prompt = self.query_one(Prompt)
        prompt.say("")
        if waiting is not None:
            prompt.put_back(waiting.question)

    # Stepping in

    def action_stop(self) -> None:
        """Stop the turn; a question that waits goes back into the prompt."""
        self._put_back(self.talk.stop())
        self.refresh_bindings()

    def action_prompt(self) -> None:
        """To the prompt."""
        self.query_one(Prompt).focus()

    def action_edit(self) -> None:
        """Edit the subproblem."""
        if self.talk.turn is not None:
            self.query_one(TurnPanel).edit(self.talk.turn.subproblem)

    def action_edit_question(self) -> None:
        """Write the question anew, in its place in the conversation."""
        if self.talk.turn is not None:
            self.talk.instead = self.talk.turn.after
            prompt = self.query_one(Prompt)
            prompt.rewrite(self.talk.turn.question)
            prompt.say("in this question's place; Esc leaves it as it was")
            self.refresh_bindings()

    def action_leave(self) -> None:
        """Leave the question as it was."""
        self._leave_edit()

    def _leave_edit(self) -> int | None:
        """The question is no longer edited; what it followed, if it was."""
        after, self.talk.instead = self.talk.instead, None
        if after is not None:
            prompt = self.query_one(Prompt)
            prompt.say("")
            prompt.restore()
            self.refresh_bindings()
        return after

    @on(told.TurnChosen)
    def _go_back(self, message: told.TurnChosen) -> None:
        if self._busy():
            return
        self._leave_edit()
        self._keep_last()
        self.talk.go_back(message.turn)
        self.query_one(Transcript).take_out(message.turn)
        self._draw()
        self.refresh_bindings()
        self.query_one(Prompt).focus()

    def action_thinking(self) -> None:
        """Show or hide what the branches think."""
        self.toggle_class("-no-thinking")

    def action_think(self) -> None:
        """Have the next questions answered after thinking, or at once."""
        self._think_so(reasoning_mode.toggled(self.plan))

    def action_effort(self) -> None:
        """Have the next questions thought about more or less."""
        self._think_so(reasoning_mode.next_effort(self.plan, self._status.info))

    def _think_so(self, plan: Plan) -> None:
        self.plan = plan
        self._set_status(replace(self._status, manner=reasoning_mode.told(plan, self._status.info)))
        self.refresh_bindings()

    def action_copy_answer(self) -> None:
        """Copy the answer, or what was said when the turn was stopped."""
        if self.talk.turn is not None:
            self.app.copy_to_clipboard(self.talk.turn.answer_text)
            self.notify("Copied the answer.", timeout=2)

    @on(told.HitPinned)
    def _pinned(self, message: told.HitPinned) -> None:
        self.talk.marks = self.talk.marks.pin(message.hit)
        self._draw()

    @on(told.HitDropped)
    def _dropped(self, message: told.HitDropped) -> None:
        self.talk.marks = self.talk.marks.drop(message.hit)
        self._draw()

    @on(told.HitOpened)
    def _read_hit(self, message: told.HitOpened) -> None:
        content = reader.entry(message.hit)
        self.app.push_screen(reader.Reader(f"Entry · {fmt.origin(message.hit)}", lambda: content))

    @on(told.BranchOpened)
    def _read_branch(self, message: told.BranchOpened) -> None:
        def written() -> Content:
            turn = self.talk.turn
            known = turn.branches if turn else ()
            return next((reader.branch(b) for b in known if b.index == message.index), Content(""))

        self.app.push_screen(reader.Reader(f"Branch {message.index + 1}", written))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer shows what can be done now."""
        can = possible(action, self.talk, self._status.info)
        return super().check_action(action, parameters) if can is None else can

    def new_session(self) -> bool:
        """Begin afresh; False while a turn runs."""
        if self._busy():
            return False
        self._leave_edit()
        self.talk.forget()
        self.query_one(Transcript).forget()
        self._set_status(replace(self._status, used=0))
        self.refresh_bindings()
        return True

    def _busy(self) -> bool:
        """Whether a turn runs; the user is told to stop it first."""
        if self.talk.running:
            self.notify("Stop this turn first (Esc).", severity="warning", timeout=4)
        return self.talk.running

    def reopen(self, path: Path | None) -> None:
        """Go on with a saved session, if there is one to go on with."""
        if path is not None and not self._busy():
            self._reopen(path)

    @work(exclusive=True, group="reopen", exit_on_error=False)
    async def _reopen(self, path: Path) -> None:
        try:
            traces = await asyncio.to_thread(self.host.resume, path)
        except Exception as error:
            said = as_told(error)
            self._tell(f"{said.message} {said.remedy}", "error")
            return
        self.post_message(told.SessionReopened([replayed(trace) for trace in traces]))

    @on(told.SessionReopened)
    def _reopened(self, message: told.SessionReopened) -> None:
        self.new_session()
        self.talk.reopen(message.turns)
        self.query_one(Transcript).keep(*message.turns[:-1])
        self._draw()
        self.refresh_bindings()

    # Drawing

    def on_resize(self) -> None:
        """A window that was too small had taken the focus away."""
        if self.focused is None:
            self.call_after_refresh(self.query_one(Prompt).focus)

    def _draw_when_stale(self) -> None:
        turn = self.talk.turn
        if self._stale or (turn is not None and turn.running):
            self._draw()

    def _draw(self) -> None:
        self._stale = False
        if self.talk.turn is not None:
            transcript = self.query_one(Transcript)
            transcript.show(self.talk.turn, self.talk.marks, self.clock())
            transcript.set_apart(self.talk.behind)
            self._set_status(replace(self._status, used=self.talk.turn.used))

    def _set_status(self, view: StatusView) -> None:
        self._status = view
        self.query_one(Status).show(view)

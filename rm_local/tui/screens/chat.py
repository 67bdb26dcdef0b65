"""The one screen on which questions are asked and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer

from rm_local.engine import ContextAdjusted
from rm_local.loop import Event, HintCut, Plan, RunEvent, failed_event
from rm_local.sessions import Session, replay_session
from rm_local.tui import formatting, messages, plan_mode
from rm_local.tui.chat_state import Backend, ChatState, PendingQuestion
from rm_local.tui.enabled_actions import action_enabled
from rm_local.tui.keys import CHAT
from rm_local.tui.screens import reader
from rm_local.tui.screens.opening import OpeningScreen
from rm_local.tui.startup import as_rm_local_error
from rm_local.tui.turn_view import STREAMED
from rm_local.tui.widgets.prompt import Prompt
from rm_local.tui.widgets.status import Status
from rm_local.tui.widgets.too_small import TooSmall
from rm_local.tui.widgets.transcript import Transcript
from rm_local.tui.widgets.turn_panel import TurnPanel

if TYPE_CHECKING:
    from rm_local.engine import ModelInfo
    from rm_local.errors import RmLocalError
    from rm_local.loop import TurnControl

REDRAWS = 15
"""Times a second, at most, that streaming text is drawn."""


class ChatScreen(OpeningScreen):
    """Workers only post messages or apply events to the `ChatState`; `_draw` shows it."""

    BINDINGS: ClassVar[list[BindingType]] = [*CHAT]

    def __init__(self, backend: Backend, plan: Plan, clock: Callable[[], float]) -> None:
        super().__init__(backend)
        self.session = Session(backend)
        self.plan = plan
        self.clock = clock
        self.state = ChatState()
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
        """Show the window first, then load the model."""
        self.query_one(Prompt).focus()
        self.watch_backend()
        self._tick = self.set_interval(1 / REDRAWS, self._draw_when_stale, pause=True)
        self.call_after_refresh(self.open)

    # Opening: model and store

    def use_model(self, info: ModelInfo) -> None:
        """Fit prompt and plan to the model, then ask the question that waits."""
        self.query_one(Prompt).invite(info)
        self._set_plan(plan_mode.drop_unsupported_effort(self.plan, info))
        self.query_one(Transcript).note(Content(""))
        if not self.state.running:
            self._ask_next(self.state.end())

    def show_opening_error(self, error: RmLocalError, *, of_model: bool) -> None:
        """Say so on the screen; without a model, give back the question that waits."""
        if of_model:
            self._put_back(self.state.stop())
        text, remedy = formatting.one_line(error.message), formatting.one_line(error.remedy)
        self.query_one(Transcript).note(Content.assemble((text, "$error"), "\n", remedy))
        if self.state.turn is not None:
            self.notify_text(f"{text} {remedy}", "error")

    # Asking

    @on(messages.QuestionSubmitted)
    def _asked(self, message: messages.QuestionSubmitted) -> None:
        after = self._leave_edit()
        if after is not None:
            self._put_back(self.state.stop())
        self.ask(PendingQuestion(message.question, after=after))

    @on(messages.SubproblemEdited)
    def _edited(self, message: messages.SubproblemEdited) -> None:
        self.query_one(Prompt).focus()
        self._ask_again(message.subproblem)

    def action_again(self) -> None:
        """Retrieve and reason again."""
        self._ask_again(None)

    def _ask_again(self, subproblem: str | None) -> None:
        if pending := self.state.retry(subproblem):
            self._put_back(self.state.stop())
            self.ask(pending)

    def ask(self, pending: PendingQuestion) -> None:
        """Solve it now, or queue it while the model loads or another turn runs."""
        if self.state.running or self.backend.info is None:
            self._put_back(self.state.queue(pending))
            reason = "this one ends" if self.state.running else "the model is there"
            question = formatting.one_line(pending.question)
            self.query_one(Prompt).say(f"asked when {reason}: {question}")
            self.refresh_bindings()
            if not self.state.running:
                self.open()
            return
        self._keep_last()
        control = self.state.begin(pending, self.clock())
        self._draw()
        self.refresh_bindings()
        self._tick.resume()
        self._solve(pending, control)

    @work(exclusive=True, group="turn")
    async def _solve(self, pending: PendingQuestion, control: TurnControl) -> None:
        try:
            stream = self.session.ask(
                pending.question,
                self.plan,
                after=self.state.turn.after if self.state.turn else 0,
                overrides=pending.overrides(),
                control=control,
            )
            async with aclosing(stream) as events:
                async for event in events:
                    self._apply(event)
        except Exception as error:  # the app survives any error of a turn
            self._apply(failed_event(as_rm_local_error(error)))
        finally:
            self.post_message(messages.TurnEnded(self.state.turn))

    def _apply(self, event: Event) -> None:
        """Text is drawn by the clock, all else at once."""
        if isinstance(event, RunEvent):
            self.show_run_event(event)
            return
        self.state.apply(event, self.clock(), self.session.last)
        if isinstance(event, ContextAdjusted | HintCut):
            self.notify_text(event.message)
            self._set_status(replace(self._status, info=self.backend.info))
        if isinstance(event, STREAMED):
            self._stale = True
            return
        self._draw()
        self.refresh_bindings()

    @on(messages.TurnEnded)
    def _ended(self) -> None:
        self._tick.pause()
        waiting = self.state.end()
        self._draw()
        self.refresh_bindings()
        if self.backend.info is not None:
            self._ask_next(waiting)
            return
        if waiting is not None:  # the model's process died with the turn
            self.state.queue(waiting)
        self.open()

    def _ask_next(self, waiting: PendingQuestion | None) -> None:
        self.query_one(Prompt).say("")
        if waiting is not None:
            self.ask(waiting)

    def _keep_last(self) -> None:
        """The turn before this one moves up into the transcript."""
        if self.state.turn is not None:
            self.query_one(Transcript).keep(self.state.turn)

    def _put_back(self, waiting: PendingQuestion | None) -> None:
        prompt = self.query_one(Prompt)
        prompt.say("")
        if waiting is not None:
            prompt.put_back(waiting.question)

    # Stepping in

    def action_stop(self) -> None:
        """Stop the turn; a question that waits goes back into the prompt."""
        self._put_back(self.state.stop())
        self.refresh_bindings()

    def action_prompt(self) -> None:
        """To the prompt."""
        self.query_one(Prompt).focus()

    def action_edit(self) -> None:
        """Edit the subproblem."""
        if self.state.turn is not None:
            self.query_one(TurnPanel).edit(self.state.turn.subproblem)

    def action_edit_question(self) -> None:
        """Edit the question in its place in the conversation."""
        if self.state.turn is not None:
            self.state.begin_edit()
            prompt = self.query_one(Prompt)
            prompt.rewrite(self.state.turn.question)
            prompt.say("in this question's place; Esc leaves it as it was")
            self.refresh_bindings()

    def action_leave(self) -> None:
        """Leave the question as it was."""
        self._leave_edit()

    def _leave_edit(self) -> int | None:
        """Edit no question any longer; what the edited one followed, if one was edited."""
        after = self.state.end_edit()
        if after is not None:
            prompt = self.query_one(Prompt)
            prompt.say("")
            prompt.restore()
            self.refresh_bindings()
        return after

    @on(messages.TurnChosen)
    def _go_back(self, message: messages.TurnChosen) -> None:
        if self._refuse_while_running():
            return
        self._leave_edit()
        self._keep_last()
        self.state.select(message.turn)
        self.query_one(Transcript).take_out(message.turn)
        self._draw()
        self.refresh_bindings()
        self.query_one(Prompt).focus()

    def action_thinking(self) -> None:
        """Show or hide what the branches think."""
        self.toggle_class("-no-thinking")

    def action_think(self) -> None:
        """Have the next questions answered after thinking, or at once."""
        self._set_plan(plan_mode.toggle_thinking(self.plan))

    def action_effort(self) -> None:
        """Have the next questions thought about more or less."""
        self._set_plan(plan_mode.next_effort(self.plan, self._status.info))

    def action_memory(self) -> None:
        """Have the next questions get hits where something fits, always, or never."""
        self._set_plan(plan_mode.next_question_gate(self.plan))
        # A narrow window cuts the status that says so.
        self.notify(plan_mode.describe_memory(self.plan), timeout=2)

    def _set_plan(self, plan: Plan) -> None:
        self.plan = plan
        mode = plan_mode.label(plan, self._status.info)
        self._set_status(replace(self._status, plan_mode=mode))
        self.refresh_bindings()

    def action_copy_answer(self) -> None:
        """Copy the answer, or what was said when the turn was stopped."""
        if self.state.turn is not None:
            self.app.copy_to_clipboard(self.state.turn.answer_text)
            self.notify("Copied the answer.", timeout=2)

    @on(messages.HitPinned)
    def _pinned(self, message: messages.HitPinned) -> None:
        self.state.pin(message.hit)
        self._draw()

    @on(messages.HitDropped)
    def _dropped(self, message: messages.HitDropped) -> None:
        self.state.drop(message.hit)
        self._draw()

    @on(messages.HitOpened)
    def _read_hit(self, message: messages.HitOpened) -> None:
        content = reader.entry(message.hit)
        self.app.push_screen(
            reader.Reader(f"Entry · {formatting.origin(message.hit)}", lambda: content)
        )

    @on(messages.BranchOpened)
    def _read_branch(self, message: messages.BranchOpened) -> None:
        def written() -> Content:
            turn = self.state.turn
            known = turn.branches if turn else ()
            return next((reader.branch(b) for b in known if b.index == message.index), Content(""))

        self.app.push_screen(reader.Reader(f"Branch {message.index + 1}", written))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer shows what can be done now."""
        enabled = action_enabled(action, self.state, self.plan, self._status.info)
        return super().check_action(action, parameters) if enabled is None else enabled

    # Sessions

    def new_session(self) -> None:
        """Begin a new session on an empty screen, unless a turn runs."""
        if not self._refuse_while_running():
            self._change_session(Session(self.backend))

    def resume(self, path: Path | None) -> None:
        """Continue a saved session, if there is one and no turn runs."""
        if path is not None and not self._refuse_while_running():
            self._resume(path)

    @work(exclusive=True, group="resume", exit_on_error=False)
    async def _resume(self, path: Path) -> None:
        try:
            if path == self.session.path:
                session, turns = self.session, tuple(await asyncio.to_thread(replay_session, path))
            else:
                session = await asyncio.to_thread(Session.resume, self.backend, path)
                turns = session.saved
        except Exception as error:
            shown = as_rm_local_error(error)
            self.notify_text(f"{shown.message} {shown.remedy}", "error")
            return
        self.post_message(messages.SessionResumed(session, turns))

    @on(messages.SessionResumed)
    def _resumed(self, message: messages.SessionResumed) -> None:
        if self._refuse_while_running():
            if message.session is not self.session:
                message.session.close()
            return
        self._change_session(message.session)
        self.state.load(message.turns)
        self.query_one(Transcript).keep(*message.turns[:-1])
        self._draw()
        self.refresh_bindings()

    def _change_session(self, session: Session) -> None:
        """Show an empty chat of this session."""
        if session is not self.session:
            self.session.close()
            self.session = session
        self._leave_edit()
        self.state.clear()
        self.query_one(Transcript).forget()
        self._set_status(replace(self._status, used=0))
        self.refresh_bindings()

    def _refuse_while_running(self) -> bool:
        """Whether a turn runs; the user is then asked to stop it first."""
        if self.state.running:
            self.notify("Stop this turn first (Esc).", severity="warning", timeout=4)
        return self.state.running

    def close(self) -> None:
        """Stop the turn and save nothing more."""
        self.state.stop()
        self.session.close()

    # Drawing

    def on_resize(self) -> None:
        """A window that was too small had taken the focus away."""
        if self.focused is None:
            self.call_after_refresh(self.query_one(Prompt).focus)

    def _draw_when_stale(self) -> None:
        turn = self.state.turn
        if self._stale or (turn is not None and turn.running):
            self._draw()

    def _draw(self) -> None:
        self._stale = False
        if self.state.turn is not None:
            transcript = self.query_one(Transcript)
            transcript.show(self.state.turn, self.state.marks, self.clock())
            transcript.set_apart(self.state.ancestors)
            self._set_status(replace(self._status, used=self.state.turn.context_used))

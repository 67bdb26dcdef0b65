"""The chat screen, for questions and their answers."""

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

from rm_local.engine import ContextOverflowReport
from rm_local.loop import Event, HintCutOrLeftOut, Plan, RunEvent, make_failed_event
from rm_local.sessions import Session, read_session_turns
from rm_local.tui import formatting, messages, plan_mode
from rm_local.tui.chat_state import Backend, ChatState, PendingQuestion
from rm_local.tui.enabled_actions import is_action_enabled_or_unknown
from rm_local.tui.keys import CHAT
from rm_local.tui.screens import reader
from rm_local.tui.screens.opening import OpeningScreen
from rm_local.tui.startup import to_rm_local_error
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
"""Maximum number of redraws of the running turn per second."""


class ChatScreen(OpeningScreen):
    """Main screen of the app: asks questions in a session and shows the state of the chat."""

    BINDINGS: ClassVar[list[BindingType]] = [*CHAT]

    def __init__(self, backend: Backend, plan: Plan, clock: Callable[[], float]) -> None:
        super().__init__(backend)
        self.session = Session(backend)
        self.plan = plan
        self.clock = clock
        self.state = ChatState()
        self._stale = False

    def compose(self) -> ComposeResult:
        """Lay out status line, transcript, prompt and footer."""
        yield TooSmall()
        with Vertical(id="body"):
            yield Status(id="status")
            yield Transcript(id="transcript")
            yield Prompt(id="prompt")
            yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Focus the prompt; load model and store after the first draw of the window."""
        self.query_one(Prompt).focus()
        self.show_backend_events()
        self._tick = self.set_interval(1 / REDRAWS, self._draw_if_needed, pause=True)
        self.call_after_refresh(self.open_backend_unless_open)

    # Opening: model and store

    def handle_loaded_model(self, info: ModelInfo) -> None:
        """Adapt prompt and plan to the model, then ask the pending question."""
        self.query_one(Prompt).set_placeholder(info)
        self._set_plan(plan_mode.drop_unsupported_effort(self.plan, info))
        self.query_one(Transcript).set_welcome_note(Content(""))
        if self.state.turn is None:
            self.show_first_steps()
        if not self.state.is_turn_running:
            self._ask_pending_question_if_any(self.state.end_turn_and_take_pending())

    def handle_opening_error(self, error: RmLocalError, *, of_model: bool) -> None:
        """Show why a store or the model did not open; for the model, end the turn, too."""
        if of_model:
            self._restore_question_to_prompt(self.state.stop_turn_and_take_pending())
        text, remedy = formatting.one_line(error.message), formatting.one_line(error.remedy)
        self.query_one(Transcript).set_welcome_note(
            Content.assemble((text, "$error"), "\n", remedy)
        )
        if self.state.turn is not None:
            self.notify_text(f"{text} {remedy}", "error")

    # Asking

    @on(messages.QuestionSubmitted)
    def _end_edit_and_ask_submitted_question(self, message: messages.QuestionSubmitted) -> None:
        after = self._end_question_edit()
        if after is not None:
            self._restore_question_to_prompt(self.state.stop_turn_and_take_pending())
        self.ask_or_queue_question(PendingQuestion(message.question, after=after))

    @on(messages.SubproblemEdited)
    def _ask_again_with_subproblem(self, message: messages.SubproblemEdited) -> None:
        """Stop the turn, and solve its question again with the edited subproblem."""
        self.query_one(Prompt).focus()
        self._stop_and_ask_again(message.subproblem)

    def action_ask_again(self) -> None:
        """Solve the current question again, with its marked hits and another seed."""
        self._stop_and_ask_again(None)

    def _stop_and_ask_again(self, subproblem: str | None) -> None:
        """Stop the turn and solve its question again; a `subproblem` replaces that of the turn."""
        if pending := self.state.build_retry_question(subproblem):
            self._restore_question_to_prompt(self.state.stop_turn_and_take_pending())
            self.ask_or_queue_question(pending)

    def ask_or_queue_question(self, pending: PendingQuestion) -> None:
        """Solve the question now, or queue it while the model loads or a turn runs."""
        if self.state.is_turn_running or self.backend.info is None:
            self._restore_question_to_prompt(self.state.replace_pending_question(pending))
            reason = "this one ends" if self.state.is_turn_running else "the model is there"
            question = formatting.one_line(pending.question)
            self.query_one(Prompt).show_note(f"asked when {reason}: {question}")
            self.refresh_bindings()
            if not self.state.is_turn_running:
                self.open_backend_unless_open()
            return
        self._add_current_turn_to_past()
        control = self.state.start_turn(pending, self.clock())
        self._draw_turn()
        self.refresh_bindings()
        self._tick.resume()
        self._run_turn_and_post_end(pending, control)

    @work(exclusive=True, group="turn")
    async def _run_turn_and_post_end(self, pending: PendingQuestion, control: TurnControl) -> None:
        """Run the turn of `pending`; apply and draw its events, and post `TurnEnded` at the end."""
        try:
            stream = self.session.ask(
                pending.question,
                self.plan,
                after=self.state.turn.after if self.state.turn else 0,
                overrides=pending.build_overrides(),
                control=control,
            )
            async with aclosing(stream) as events:
                async for event in events:
                    self._apply_and_draw_event(event)
        except Exception as error:  # an error in a turn must not end the app
            self._apply_and_draw_event(make_failed_event(to_rm_local_error(error)))
        finally:
            self.post_message(messages.TurnEnded(self.state.turn))

    def _apply_and_draw_event(self, event: Event) -> None:
        """Apply the event to the state; draw it at once, or at the next tick if it is frequent."""
        if isinstance(event, RunEvent):
            self.show_run_event(event)
            return
        self.state.apply_event_and_set_number(event, self.clock(), self.session.last_turn_number)
        if isinstance(event, ContextOverflowReport | HintCutOrLeftOut):
            self.notify_text(event.message)
            self._set_status(replace(self._status, info=self.backend.info))
        if isinstance(event, STREAMED):
            self._stale = True
            return
        self._draw_turn()
        self.refresh_bindings()

    @on(messages.TurnEnded)
    def _finish_turn_and_ask_next(self) -> None:
        self._tick.pause()
        waiting = self.state.end_turn_and_take_pending()
        self._draw_turn()
        self.refresh_bindings()
        if self.backend.info is not None:
            self._ask_pending_question_if_any(waiting)
            return
        if waiting is not None:  # the model's process died with the turn
            self.state.replace_pending_question(waiting)
        self.open_backend_unless_open()

    def _ask_pending_question_if_any(self, waiting: PendingQuestion | None) -> None:
        self.query_one(Prompt).show_note("")
        if waiting is not None:
            self.ask_or_queue_question(waiting)

    def _add_current_turn_to_past(self) -> None:
        """Move the current turn to the past turns of the transcript."""
        if self.state.turn is not None:
            self.query_one(Transcript).add_past_turns(self.state.turn)

    def _restore_question_to_prompt(self, waiting: PendingQuestion | None) -> None:
        prompt = self.query_one(Prompt)
        prompt.show_note("")
        if waiting is not None:
            prompt.prepend_unasked_question(waiting.question)

    # Steering

    def action_stop(self) -> None:
        """Stop the turn; put a pending question back into the prompt."""
        self._restore_question_to_prompt(self.state.stop_turn_and_take_pending())
        self.refresh_bindings()

    def action_focus_prompt(self) -> None:
        """Focus the prompt."""
        self.query_one(Prompt).focus()

    def action_edit_subproblem(self) -> None:
        """Show the input for the subproblem of the current turn."""
        if self.state.turn is not None:
            self.query_one(TurnPanel).show_subproblem_input(self.state.turn.subproblem)

    def action_edit_question(self) -> None:
        """Put the current question into the prompt, to replace it by an edited one: a fork."""
        if self.state.turn is not None:
            self.state.begin_edit_and_remember_parent()
            prompt = self.query_one(Prompt)
            prompt.begin_question_edit(self.state.turn.question)
            prompt.show_note("in this question's place; Esc leaves it as it was")
            self.refresh_bindings()

    def action_cancel_question_edit(self) -> None:
        """Cancel the editing of the question."""
        self._end_question_edit()

    def _end_question_edit(self) -> int | None:
        """End the editing of a question and restore the typed text.

        Returns the number of the turn that the edited question follows (0 = no turn), or None
        without an edit.
        """
        after = self.state.end_edit_and_take_parent()
        if after is not None:
            prompt = self.query_one(Prompt)
            prompt.show_note("")
            prompt.restore_draft()
            self.refresh_bindings()
        return after

    @on(messages.TurnChosen)
    def _return_to_turn(self, message: messages.TurnChosen) -> None:
        if self._warn_if_turn_running():
            return
        self._end_question_edit()
        self._add_current_turn_to_past()
        self.state.select_turn_and_clear_marks(message.turn)
        self.query_one(Transcript).remove_past_turn(message.turn)
        self._draw_turn()
        self.refresh_bindings()
        self.query_one(Prompt).focus()

    def action_show_or_hide_thinking(self) -> None:
        """Show or hide the branches' thinking."""
        self.toggle_class("-no-thinking")

    def action_switch_thinking(self) -> None:
        """Switch thinking on or off for the next questions."""
        self._set_plan(plan_mode.toggle_thinking(self.plan))

    def action_next_effort(self) -> None:
        """Switch to the next reasoning effort for the next questions."""
        self._set_plan(plan_mode.cycle_effort(self.plan, self._status.info))

    def action_next_memory_mode(self) -> None:
        """Switch to the next memory mode for the next questions."""
        self._set_plan(plan_mode.cycle_memory_mode(self.plan))
        # In a narrow window the status line may be cut before this.
        self.notify(plan_mode.describe_memory_mode(self.plan), timeout=2)

    def _set_plan(self, plan: Plan) -> None:
        self.plan = plan
        mode = plan_mode.describe_nondefault_modes(plan, self._status.info)
        self._set_status(replace(self._status, plan_mode=mode))
        self.refresh_bindings()

    def action_copy_answer(self) -> None:
        """Copy the answer, or the text written before the turn was stopped."""
        if self.state.turn is not None:
            self.app.copy_to_clipboard(self.state.turn.answer_or_branch_texts)
            self.notify("Copied the answer.", timeout=2)

    @on(messages.HitPinToggled)
    def _toggle_pin(self, message: messages.HitPinToggled) -> None:
        self.state.toggle_pin(message.hit)
        self._draw_turn()

    @on(messages.HitDropToggled)
    def _toggle_drop(self, message: messages.HitDropToggled) -> None:
        self.state.toggle_drop(message.hit)
        self._draw_turn()

    @on(messages.HitOpened)
    def _open_hit_reader(self, message: messages.HitOpened) -> None:
        title = f"Entry · {formatting.format_store_domain_and_source(message.hit)}"
        content = reader.format_entry(message.hit)
        self.app.push_screen(reader.Reader(title, lambda: content))

    @on(messages.BranchOpened)
    def _open_branch_reader(self, message: messages.BranchOpened) -> None:
        def format_branch_of_current_turn() -> Content:
            known = self.state.turn.branches if self.state.turn else ()
            return next(
                (reader.format_branch(b) for b in known if b.index == message.index), Content("")
            )

        self.app.push_screen(
            reader.Reader(f"Branch {message.index + 1}", format_branch_of_current_turn)
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable an action as `is_action_enabled_or_unknown` says, which the footer shows."""
        enabled = is_action_enabled_or_unknown(action, self.state, self.plan, self._status.info)
        return super().check_action(action, parameters) if enabled is None else enabled

    # Sessions

    def start_new_session(self) -> None:
        """Start a new session on an empty screen, unless a turn runs."""
        if not self._warn_if_turn_running():
            self._switch_session_and_clear_chat(Session(self.backend))

    def resume_session(self, path: Path | None) -> None:
        """Load and continue the saved session at `path`; ignore None, and any while a turn runs."""
        if path is not None and not self._warn_if_turn_running():
            self._load_and_post_session(path)

    @work(exclusive=True, group="resume", exit_on_error=False)
    async def _load_and_post_session(self, path: Path) -> None:
        try:
            if path == self.session.path:
                session = self.session
                turns = tuple(await asyncio.to_thread(read_session_turns, path))
            else:
                session = await asyncio.to_thread(Session.resume, self.backend, path)
                turns = session.saved
        except Exception as error:
            shown = to_rm_local_error(error)
            self.notify_text(f"{shown.message} {shown.remedy}", "error")
            return
        self.post_message(messages.SessionLoaded(session, turns))

    @on(messages.SessionLoaded)
    def _enter_session(self, message: messages.SessionLoaded) -> None:
        if self._warn_if_turn_running():
            if message.session is not self.session:
                message.session.close()
            return
        self._switch_session_and_clear_chat(message.session)
        self.state.replace_by_saved_turns(message.turns)
        self.query_one(Transcript).add_past_turns(*message.turns[:-1])
        self._draw_turn()
        self.refresh_bindings()

    def _switch_session_and_clear_chat(self, session: Session) -> None:
        """Switch to this session and show an empty chat; close the session before, if another."""
        if session is not self.session:
            self.session.close()
            self.session = session
        self._end_question_edit()
        self.state.reset_to_empty_chat()
        self.query_one(Transcript).clear_turns_and_show_welcome()
        self._set_status(replace(self._status, used=0))
        self.refresh_bindings()

    def _warn_if_turn_running(self) -> bool:
        """Return whether a turn runs; if so, ask the user to stop it first."""
        if self.state.is_turn_running:
            self.notify("Stop this turn first (Esc).", severity="warning", timeout=4)
        return self.state.is_turn_running

    def close(self) -> None:
        """Stop the turn and close the session."""
        self.state.stop_turn_and_take_pending()
        self.session.close()

    # Drawing

    def on_resize(self) -> None:
        """Focus the prompt if no widget has the focus, as after a too small window."""
        if self.focused is None:
            self.call_after_refresh(self.query_one(Prompt).focus)

    def _draw_if_needed(self) -> None:
        turn = self.state.turn
        if self._stale or (turn is not None and turn.is_in_progress):
            self._draw_turn()

    def _draw_turn(self) -> None:
        self._stale = False
        if self.state.turn is not None:
            transcript = self.query_one(Transcript)
            transcript.show_turn(self.state.turn, self.state.marks, self.clock())
            transcript.dim_other_forks(self.state.lineage)
            self._set_status(replace(self._status, used=self.state.turn.context_used))

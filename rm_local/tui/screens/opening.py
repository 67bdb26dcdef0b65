"""Base class of the chat screen, which opens model and store and shows the progress."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.screen import Screen

from rm_local.errors import RmLocalError
from rm_local.loop import ModelLoading, ModelUnloaded, Notice
from rm_local.tui import formatting, messages
from rm_local.tui.startup import open_backend_and_post_results
from rm_local.tui.widgets.status import Status, StatusValues
from rm_local.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from rm_local.engine import ModelInfo
    from rm_local.loop import RunEvent
    from rm_local.tui.chat_state import Backend


class OpeningScreen(Screen[None]):
    """Screen that opens model and store and shows their state in its `Status` line.

    Subclasses implement `handle_loaded_model` and `handle_opening_error`.
    """

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self._status = StatusValues()
        self._opening = False

    def handle_loaded_model(self, info: ModelInfo) -> None:
        """Adapt the screen to the model that was just loaded."""
        raise NotImplementedError

    def handle_opening_error(self, error: RmLocalError, *, of_model: bool) -> None:
        """Show the error of opening the model (`of_model`) or else the store."""
        raise NotImplementedError

    def open_backend_unless_open(self) -> None:
        """Load the model and open the store, unless this is done or in progress."""
        if self._opening or (self._status.info is not None and self.backend.info is not None):
            return
        self._opening = True
        self._set_status(StatusValues(entries=self._status.entries))
        self._open_model_and_store()

    @work(group="open")
    async def _open_model_and_store(self) -> None:
        await open_backend_and_post_results(self.backend, self.post_message)

    @work(group="welcome")
    async def show_first_steps(self) -> None:
        """Show what can be done first, if the user has named no model; errors are ignored."""
        try:
            steps = await self.backend.find_first_steps_unless_model_named()
        except (OSError, RmLocalError):
            return  # the same search by a command reports it
        if steps is not None:
            from rm_local.library import QUESTIONS
            from rm_local.tui.first_steps_text import describe_first_steps

            self.query_one(Transcript).set_welcome_note(describe_first_steps(steps, QUESTIONS))

    @work(group="watch")
    async def show_backend_events(self) -> None:
        """Show the backend's events between turns, until the app ends."""
        async with aclosing(self.backend.watch_events_between_turns()) as events:
            async for event in events:
                self.post_message(messages.RunEventReported(event))

    @on(messages.RunEventReported)
    def _show_reported_event(self, message: messages.RunEventReported) -> None:
        self.show_run_event(message.event)

    def show_run_event(self, event: RunEvent) -> None:
        """Show an event of the model in the status line, or a notice as a notification."""
        match event:
            case ModelLoading(share=share):
                if self._status.info is None:
                    self._set_status(replace(self._status, share=share))
            case ModelUnloaded():
                self._show_if_model_unloaded()
            case Notice(text=text):
                self.notify_text(text)

    def notify_text(self, text: str, severity: SeverityLevel = "information") -> None:
        """Show the text as a notification for 20 seconds; markup in it is shown literally."""
        self.notify(formatting.one_line(text), severity=severity, timeout=20, markup=False)

    @on(messages.ModelReady)
    def _handle_model_ready(self, message: messages.ModelReady) -> None:
        self._opening = False
        self._set_status(replace(self._status, info=message.info))
        self.handle_loaded_model(message.info)

    @on(messages.StoreReady)
    def _show_entry_count(self) -> None:
        self._set_status(replace(self._status, entries=self.backend.entries))

    @on(messages.OpeningFailed)
    def _handle_opening_failure(self, message: messages.OpeningFailed) -> None:
        if message.of_model:
            self._opening = False
            self._set_status(replace(self._status, failed=True))
        self.handle_opening_error(message.error, of_model=message.of_model)

    def _show_if_model_unloaded(self) -> None:
        """Show that the model was unloaded, unless it was not shown or is loaded again."""
        if self._status.info is not None and self.backend.info is None:
            name, entries = self._status.info.title_with_adapters, self._status.entries
            self._set_status(StatusValues(entries=entries, unloaded=name))

    def _set_status(self, view: StatusValues) -> None:
        self._status = view
        self.query_one(Status).show_status(view)

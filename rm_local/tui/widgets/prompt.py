"""The input widget for questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Key
from textual.widgets import TextArea

from rm_local.tui import formatting, keys
from rm_local.tui.messages import QuestionSubmitted

if TYPE_CHECKING:
    from rm_local.engine import ModelInfo

HINT = "Ask a hard question"
NEWLINE = keys.ASK[1].key.split(",")


class Prompt(TextArea):
    """Input for questions: Enter submits; Shift+Enter or Ctrl+J inserts a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.ASK]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id, placeholder=HINT, highlight_cursor_line=False, compact=True, show_cursor=True
        )
        self._draft: str | None = None
        """The text typed before `begin_question_edit` replaced it."""

    async def _on_key(self, event: Key) -> None:
        """Submit on Enter and insert a new line on its keys, in the order in which keys are typed.

        A binding's action could run before or after keys that are still queued.
        """
        if event.key == "enter":
            self.action_submit()
        elif event.key in NEWLINE:
            self.action_newline()
        else:
            return
        event.stop()
        event.prevent_default()

    def action_submit(self) -> None:
        """Submit the question and clear the prompt, unless the prompt is blank."""
        if question := self.text.strip():
            self.clear()
            self.post_message(QuestionSubmitted(question))

    def action_newline(self) -> None:
        """Insert a new line at the cursor."""
        self.insert("\n", maintain_selection_offset=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable submission while the prompt is blank."""
        if action == "submit" and not self.text.strip():
            return None
        return super().check_action(action, parameters)

    def on_text_area_changed(self) -> None:
        """Update the footer: it offers submission only for a question that is not blank."""
        self.refresh_bindings()

    def prepend_unasked_question(self, question: str) -> None:
        """Put a question that was not asked back into the prompt, above newer text."""
        self.text = "\n".join(text for text in (question, self.text) if text)
        self.move_cursor(self.document.end)

    def set_placeholder(self, model: ModelInfo) -> None:
        """Set the text of the empty prompt; it says so if the model reads no earlier turns."""
        alone = f"; {formatting.one_line(model.name)} reads no earlier ones"
        self.placeholder = HINT + ("" if model.converses else alone)

    def begin_question_edit(self, question: str) -> None:
        """Replace the typed text by an old question to edit; `restore_draft` restores the text."""
        if self._draft is None:
            self._draft = self.text
        self.text = question
        self.move_cursor(self.document.end)
        self.focus()

    def restore_draft(self) -> None:
        """Restore the text replaced by `begin_question_edit`."""
        if self._draft is not None:
            self.text, self._draft = self._draft, None
            self.move_cursor(self.document.end)

    def show_note(self, note: str) -> None:
        """Show a note on the prompt's lower border; an empty note removes it."""
        self.border_subtitle = Content(formatting.shorten_text(note, 70)) if note else None

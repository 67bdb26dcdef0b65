"""Where the question is typed."""

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
    """Enter asks; Shift+Enter or Ctrl+J begins a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.ASK]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id, placeholder=HINT, highlight_cursor_line=False, compact=True, show_cursor=True
        )
        self._draft: str | None = None
        """What was typed before an old question took its place."""

    async def _on_key(self, event: Key) -> None:
        """Enter and the new line take their turn among the keys, however fast they are typed.

        A binding's action would run before, or after, keys that are still on their way.
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
        """Hand the question out and empty the prompt; there is none while it is blank."""
        if question := self.text.strip():
            self.clear()
            self.post_message(QuestionSubmitted(question))

    def action_newline(self) -> None:
        """A new line where the cursor is."""
        self.insert("\n", maintain_selection_offset=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to ask while the prompt is empty."""
        if action == "submit" and not self.text.strip():
            return None
        return super().check_action(action, parameters)

    def on_text_area_changed(self) -> None:
        """The footer tells whether there is something to ask."""
        self.refresh_bindings()

    def put_back(self, question: str) -> None:
        """Give a question back that was not asked; what was typed since stays below it."""
        self.text = "\n".join(text for text in (question, self.text) if text)
        self.move_cursor(self.document.end)

    def invite(self, model: ModelInfo) -> None:
        """Say, while nothing is typed, what may be asked of this model."""
        alone = f"; {formatting.one_line(model.name)} reads no earlier ones"
        self.placeholder = HINT + ("" if model.converses else alone)

    def rewrite(self, question: str) -> None:
        """Put an old question in, to be changed; what was typed comes back with `restore`."""
        if self._draft is None:
            self._draft = self.text
        self.text = question
        self.move_cursor(self.document.end)
        self.focus()

    def restore(self) -> None:
        """Put back what was typed before the old question came."""
        if self._draft is not None:
            self.text, self._draft = self._draft, None
            self.move_cursor(self.document.end)

    def say(self, note: str) -> None:
        """A note on the prompt's lower edge; an empty one takes it away."""
        self.border_subtitle = Content(formatting.shorten(note, 70)) if note else None

"""The open turn's messages, rendered as a prompt for the model."""

from __future__ import annotations

from rm_local.engine import context_policy
from rm_local.engine.protocol import OpenTurn
from rm_local.engine.worker.llama.model import Model


class Conversation:
    """The messages of an `OpenTurn` request, of which the oldest turns can be dropped."""

    def __init__(self, model: Model, request: OpenTurn) -> None:
        self.dropped = 0
        """Number of turns that were dropped."""
        self._noted: dict[str, list[int]] = {}
        self._model = model
        self._request = request
        self._render_prompt()

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions of the dropped turns."""
        return context_policy.list_oldest_questions(self._request.messages, self.dropped)

    @property
    def droppable(self) -> bool:
        """Whether there is another turn that can be dropped."""
        return self.dropped < len(context_policy.list_turn_starts(self._request.messages))

    def drop_oldest_turn(self) -> bool:
        """Drop one more turn; return False if no turn is left."""
        if not self.droppable:
            return False
        self.dropped += 1
        self._render_prompt()
        return True

    def list_checkpoints(self) -> list[int]:
        """List the positions of the prompt, in tokens, that later requests may rewind to.

        Its end, for more branches; the ends of the last two messages, for the next turn or an
        edited question; the end of the first message, for everything else.
        """
        end = len(self.tokens) - 1
        ends = [n for n, segment in enumerate(self._prompt.segments, 1) if segment.data]
        chosen = sorted({*ends[:1], *ends[-2:]})
        lengths = {
            len(self._model.vocab.tokenize_prompt(self._prompt.segments[:n])) for n in chosen
        }
        return sorted({length for length in lengths if length < end} | {end})

    def tokenize_with_note(self, note: str) -> list[int]:
        """Return the prompt's tokens with `note`, if not empty, at the end of the last message."""
        if not note:
            return self.tokens
        if note not in self._noted:
            self._noted[note] = self._model.vocab.tokenize_prompt(self._prompt.with_note(note))
        return self._noted[note]

    def _render_prompt(self) -> None:
        request = self._request
        rendered = self._model.template.render(
            context_policy.drop_oldest_turns(request.messages, self.dropped),
            thinking=request.thinking,
            effort=request.effort,
        )
        self._prompt = rendered
        self._noted.clear()
        self.starts = rendered.starts
        """The part that the model writes first."""
        vocab = self._model.vocab
        self.tokens = vocab.tokenize_prompt(rendered.segments)
        """The tokens of the whole prompt."""
        self.note_position = len(vocab.tokenize_prompt(rendered.segments[: rendered.last + 1]))
        """Number of tokens before the place of a note, after the last message's text."""

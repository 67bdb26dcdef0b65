"""The open turn's messages, and the prompt that they make for the model."""

from __future__ import annotations

from rm_local.engine import context_policy
from rm_local.engine.protocol import OpenTurn
from rm_local.engine.worker.llama.model import Model


class Conversation:
    """What `OpenTurn` asks for; its oldest turns can be left out."""

    def __init__(self, model: Model, request: OpenTurn) -> None:
        self.dropped = 0
        """Turns that are left out."""
        self._noted: dict[str, list[int]] = {}
        self._model = model
        self._request = request
        self._read()

    @property
    def questions(self) -> tuple[str, ...]:
        """Those of the turns that are left out."""
        return context_policy.list_oldest_questions(self._request.messages, self.dropped)

    @property
    def droppable(self) -> bool:
        """Whether there is a turn that can be left out."""
        return self.dropped < len(context_policy.find_turns(self._request.messages))

    def drop(self) -> bool:
        """Leave one more turn out; False when there is none."""
        if not self.droppable:
            return False
        self.dropped += 1
        self._read()
        return True

    def places(self) -> list[int]:
        """Where the prompt is gone back to: its end, for the next branches; the ends of the last
        two messages, for the next turn and another last message; that of the first, for the rest.
        """
        end = len(self.tokens) - 1
        ends = [n for n, segment in enumerate(self._prompt.segments, 1) if segment.data]
        chosen = sorted({*ends[:1], *ends[-2:]})
        lengths = {len(self._model.vocab.prompt(self._prompt.segments[:n])) for n in chosen}
        return sorted({length for length in lengths if length < end} | {end})

    def with_note(self, note: str) -> list[int]:
        """The prompt's tokens with this text at the end of the last message; empty = as it is."""
        if not note:
            return self.tokens
        if note not in self._noted:
            self._noted[note] = self._model.vocab.prompt(self._prompt.with_note(note))
        return self._noted[note]

    def _read(self) -> None:
        request = self._request
        rendered = self._model.template.render(
            context_policy.drop_oldest(request.messages, self.dropped),
            thinking=request.thinking,
            effort=request.effort,
        )
        self._prompt = rendered
        self._noted.clear()
        self.starts = rendered.starts
        """What the model writes first."""
        vocab = self._model.vocab
        self.tokens = vocab.prompt(rendered.segments)
        """Of the whole prompt."""
        self.note_place = len(vocab.prompt(rendered.segments[: rendered.last + 1]))
        """Tokens up to where a note follows the last message."""

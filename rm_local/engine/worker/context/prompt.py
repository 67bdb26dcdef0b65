"""The messages of the open turn, and their prompt in tokens."""

from __future__ import annotations

from rm_local.engine import context_policy
from rm_local.engine.protocol import OpenTurn
from rm_local.engine.worker.llama.model import Model


class Conversation:
    """The messages of an `OpenTurn` request, and their prompt; old turns can be dropped."""

    def __init__(self, model: Model, request: OpenTurn) -> None:
        self.dropped = 0
        """Number of turns that were dropped from the start of the conversation."""
        self._noted: dict[str, list[int]] = {}
        self._model = model
        self._request = request
        self._render_and_tokenize_prompt()

    @property
    def dropped_questions(self) -> tuple[str, ...]:
        """The texts of the user's messages in the dropped turns, oldest first."""
        return context_policy.list_oldest_questions(self._request.messages, self.dropped)

    @property
    def can_drop_turn(self) -> bool:
        """Whether there is still a turn before the current one that can be dropped."""
        return self.dropped < len(context_policy.list_earlier_turn_starts(self._request.messages))

    def drop_oldest_turn(self) -> bool:
        """Drop one more turn, and render the prompt again; return False if no turn is left."""
        if not self.can_drop_turn:
            return False
        self.dropped += 1
        self._render_and_tokenize_prompt()
        return True

    def list_checkpoint_positions(self) -> list[int]:
        """List the positions in the prompt, in tokens, to which later requests may rewind.

        They are the end of the prompt (for more branches), the ends of the last two messages (for
        the next turn or an edited question), and the end of the first message (for other prompts).
        """
        end = len(self.tokens) - 1
        ends = [n for n, segment in enumerate(self._prompt.segments, 1) if segment.data]
        chosen = sorted({*ends[:1], *ends[-2:]})
        lengths = {
            len(self._model.vocab.tokenize_prompt(self._prompt.segments[:n])) for n in chosen
        }
        return sorted({length for length in lengths if length < end} | {end})

    def tokenize_prompt_with_note(self, note: str) -> list[int]:
        """Return the tokens of the prompt with the text `note` at the end of the last message."""
        if not note:
            return self.tokens
        if note not in self._noted:
            self._noted[note] = self._model.vocab.tokenize_prompt(
                self._prompt.build_segments_with_note_after_question(note)
            )
        return self._noted[note]

    def _render_and_tokenize_prompt(self) -> None:
        """Render and tokenize the messages that are not dropped."""
        request = self._request
        rendered = self._model.template.render(
            context_policy.drop_oldest_turns(request.messages, self.dropped),
            thinking=request.thinking,
            effort=request.effort,
        )
        self._prompt = rendered
        self._noted.clear()
        self.starts = rendered.starts
        """The part that the model writes first, `thinking` or `answer`."""
        vocab = self._model.vocab
        self.tokens = vocab.tokenize_prompt(rendered.segments)
        """The tokens of the whole prompt."""
        self.note_position = len(vocab.tokenize_prompt(rendered.segments[: rendered.last + 1]))
        """Number of tokens up to the end of the last message's text, where a note is inserted."""

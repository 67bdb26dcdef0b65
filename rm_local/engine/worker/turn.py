"""The open turn: its prompt in the cache, and branches grown from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rm_local.engine.protocol import BranchSpec, Message, ModelInfo, Part, Reply
from rm_local.engine.worker.branch import Branch
from rm_local.engine.worker.cache import Aborted, Cache, Full, common
from rm_local.engine.worker.growth import Growth
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.model import Model
from rm_local.engine.worker.tally import Tally
from rm_local.engine.worker.template import Segment
from rm_local.errors import ContextOverflow, EngineError, ModelInvalid, Stopped


class Turn:
    """A loaded model at work. One turn is open at a time; the cache outlives it."""

    def __init__(self, model: Model, inbox: Inbox) -> None:
        self.stats = Tally()
        self._model = model
        self._inbox = inbox
        self._cache = Cache(model, inbox)
        self._prompt: list[int] = []
        self._starts: Part = "answer"

    def open(self, messages: Sequence[Message], *, thinking: bool = True, effort: str = "") -> int:
        """Evaluate the prompt of these messages, but for the last token: branches need its logits.

        The number of the prompt's tokens. ContextOverflow before anything is evaluated; Stopped
        when cancelled: no turn is open then.
        """
        self._prompt = []
        rendered = self._model.template.render(messages, thinking=thinking, effort=effort)
        segments = rendered.segments
        prompt = self._model.vocab.prompt(segments)
        places = () if self._model.rewinds else self._places(segments, len(prompt) - 1)
        self._check_room("The conversation", len(prompt))
        try:
            self.stats.boundary = len(prompt)
            self._hold(prompt[:-1], known=0, places=places, more=True)
        except Aborted:
            raise Stopped("Reading the question was stopped.") from None
        self._prompt, self._starts = prompt, rendered.starts
        return len(prompt)

    def grow(self, specs: Sequence[BranchSpec], send: Callable[[Reply], None]) -> None:
        """Grow branches from the prompt; `send` gets `Pieces` and `Ended`.

        ContextOverflow before anything is evaluated; ModelInvalid when what the model computes
        are no numbers.
        """
        if not self._prompt:
            raise EngineError("No turn is open.", "Open one first.")
        if not specs:
            return
        branches = self._branches(specs)
        growth = Growth(self._cache, self._model.vocab, self._inbox, self.stats, branches, send)
        try:
            growth.run(self._share(branches))
        except Aborted:
            growth.abandon()
        except ModelInvalid:
            self._cache.hold(())  # what is no number is not kept for the next turn
            raise
        except Full:
            raise EngineError("The context has no room left.", "Set a larger `context`.") from None
        finally:
            growth.close()

    @property
    def info(self) -> ModelInfo:
        """The model, with the context that it really has (llama.cpp rounds it up)."""
        return replace(self._model.info, context=self._cache.capacity)

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._model.vocab.data(text))

    def close(self) -> None:
        """Free the cache."""
        self._cache.close()

    def _branches(self, specs: Sequence[BranchSpec]) -> list[Branch]:
        data = self._model.vocab.data
        tokens = [self._prompt + data(spec.forced) for spec in specs]
        self._check_room("The conversation with its hint", max(map(len, tokens)))
        markers = self._model.vocab.markers
        return [
            Branch(index, spec, own, self._starts, markers)
            for index, (spec, own) in enumerate(zip(specs, tokens, strict=True))
        ]

    def _share(self, branches: Sequence[Branch]) -> int:
        """Put the tokens that begin all branches into the root, and leave each at least one."""
        first = branches[0].tokens
        shared = min(common(first, branch.tokens) for branch in branches)
        shared = min(shared, *(len(branch.tokens) - 1 for branch in branches))
        self._hold(first[:shared], known=len(self._prompt) - 1)
        return shared

    def _places(self, segments: Sequence[Segment], end: int) -> list[int]:
        """Where the prompt is gone back to: its end, for the next branches; the ends of the last
        two messages, for the next turn and another last message; that of the first, for the rest.
        """
        ends = [n for n, segment in enumerate(segments, 1) if segment.data]
        chosen = sorted({*ends[:1], *ends[-2:]})
        lengths = {len(self._model.vocab.prompt(segments[:n])) for n in chosen}
        return sorted({length for length in lengths if length < end} | {end})

    def _hold(
        self, tokens: list[int], known: int, *, places: Sequence[int] = (), more: bool = False
    ) -> None:
        """Make the root hold these tokens; the first `known` of those it held are no reuse."""
        with self.stats.prefill():
            kept = self._cache.hold(tokens, places=places, more=more)
        self.stats.reused += max(0, kept - known)
        self.stats.evaluated(kept, len(tokens))

    def _check_room(self, what: str, tokens: int) -> None:
        capacity = self._cache.capacity
        if tokens >= capacity:
            trained = self._model.info.trained_context
            raise ContextOverflow(
                f"{what} needs {tokens:,} tokens; the context holds {capacity:,}.",
                f"Shorten it, or set a larger `context` (this model was trained for {trained:,}).",
            )

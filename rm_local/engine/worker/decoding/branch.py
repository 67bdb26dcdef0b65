"""One branch while it grows: its tokens, its draws, its text."""

from __future__ import annotations

import codecs
from typing import Any

from rm_local.engine.branches import BranchSpec, Part, TokenChunk
from rm_local.engine.calculator import CLOSE, ExpressionFinder, evaluate_expression
from rm_local.engine.families.markers import THINK, Markers
from rm_local.engine.families.stream_parser import Splitter, StopTexts
from rm_local.engine.worker.decoding.grammar_sampler import Constraint
from rm_local.engine.worker.decoding.logprobs import Logprobs
from rm_local.engine.worker.decoding.repetition import RepetitionDetector
from rm_local.engine.worker.decoding.sampler import Penalties, Sampler
from rm_local.engine.worker.decoding.text_origins import TextOrigins


class Branch:
    """A branch of the open turn. `tokens` are the prompt, the forced ones and those written."""

    def __init__(
        self,
        index: int,
        spec: BranchSpec,
        tokens: list[int],
        start: Part,
        markers: Markers = THINK,
        *,
        constraint: Constraint | None = None,
        logprobs: Logprobs | None = None,
        repetition: RepetitionDetector | None = None,
        penalties: Penalties | None = None,
    ) -> None:
        self.index = index
        self.tokens = tokens
        self.note = spec.note
        self.written = 0
        self.budget = spec.max_tokens
        self.endless = spec.endless and not constraint
        self.forced = 0
        """Tokens that the calculator put into it."""
        self.pending: list[int] = []
        """Those of them that are not yet among its tokens."""
        self.result = ""
        """What is to be forced behind the `=` that it wrote last; empty = nothing."""
        self.logprobs = logprobs
        self.repetition = repetition
        """Finds out whether it repeats itself; None = it may."""
        self.sequence = 0
        """Its sequence in the cache; 0 while it has none."""
        self.evaluated = 0
        """How many of its tokens its sequence holds."""
        self.group = self.common = 0
        """Branches of one group share the cells of so many tokens behind the root's."""
        self._sampler = Sampler(spec.sampling, spec.seed, penalties)
        self._constraint = constraint
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopTexts(spec.stop)
        self._origins = TextOrigins()
        self._splitter = Splitter(start, markers)
        self._markers = markers.texts
        calculates = spec.calculator and not self.endless and not constraint
        self._finder = ExpressionFinder(spec.forced) if calculates else None

    @property
    def left(self) -> int:
        """Tokens that it may still write."""
        return self.budget - self.written

    def draw(self, context: Any, row: int) -> int:
        """The next token, from the logits of one row of the batch that was decoded last."""
        if self._constraint:
            return self._constraint.draw(self._sampler.chain, self._splitter, context, row)
        return self._sampler.draw(context, row)

    def write(self, token: int, raw: bytes) -> tuple[list[TokenChunk], bool]:
        """Take a token that was drawn: the pieces now certain, and whether a stop text came."""
        self.tokens.append(token)
        self.written += 1
        text = self._decoder.decode(raw)
        if self._finder and (expression := self._finder.add(text)):
            self.result = self._calculate(expression)
        return self._feed(text, forced=False)

    def force(self, tokens: list[int]) -> tuple[list[TokenChunk], bool]:
        """Put `result`, which has these tokens, behind what it wrote; as `write`."""
        text, self.result = self.result, ""
        self.pending += tokens
        self.forced += len(tokens)
        for token in tokens:
            self._sampler.accept(token)
        if self._finder:
            self._finder.reset()
        return self._feed(text, forced=True)

    def append_pending(self, most: int) -> None:
        """Move tokens from `pending` to `tokens`, so many at most."""
        self.tokens += self.pending[:most]
        del self.pending[:most]

    def close(self, stopped: bool) -> list[TokenChunk]:
        """Free the samplers; the pieces held back, unless a stop text ended the branch."""
        self.free()
        pieces: list[TokenChunk] = []
        if not stopped:
            pieces, _ = self._feed(self._decoder.decode(b"", True), forced=False)
            pieces += self._tell_apart(self._stops.flush())
        return [*pieces, *self._pieces(self._splitter.flush(), False)]

    def free(self) -> None:
        """Free the samplers. More than once is the same as once."""
        self._sampler.close()
        if self._constraint:
            self._constraint.close()

    def _feed(self, text: str, *, forced: bool) -> tuple[list[TokenChunk], bool]:
        """Take text: the pieces now certain, and whether a stop text came."""
        self._origins.put(len(text), forced=forced)
        passed, stopped = self._stops.feed(text)
        return self._tell_apart(passed), stopped

    def _tell_apart(self, text: str) -> list[TokenChunk]:
        """Text that no stop text holds back, by part and by who wrote it."""
        return [
            piece
            for own, forced in self._origins.take(text)
            for piece in self._pieces(self._splitter.feed(own), forced)
        ]

    def _pieces(self, parts: list[tuple[Part, str]], forced: bool) -> list[TokenChunk]:
        return [TokenChunk(self.index, part, text, self.written, forced) for part, text in parts]

    def _calculate(self, expression: str) -> str:
        """The text to force; empty where there is no value, or one that holds a marker."""
        value = evaluate_expression(expression)
        if value is None or any(marker in value for marker in self._markers):
            return ""
        return value + CLOSE

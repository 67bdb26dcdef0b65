"""The state of a branch during generation: its tokens, samplers and text."""

from __future__ import annotations

import codecs
from typing import Any

from rm_local.engine.branches import BranchSpec, Part, TokenChunk
from rm_local.engine.calculator import CLOSE, ExpressionFinder, evaluate_expression
from rm_local.engine.families.markers import THINK, Markers
from rm_local.engine.families.stream_parser import StopTextFinder, ThinkingSplitter
from rm_local.engine.worker.decoding.grammar_sampler import GrammarSampler
from rm_local.engine.worker.decoding.logprobs import LogprobRecorder
from rm_local.engine.worker.decoding.repetition import RepetitionDetector
from rm_local.engine.worker.decoding.sampler import RepetitionPenalties, Sampler
from rm_local.engine.worker.decoding.text_origins import TextOrigins


class BranchState:
    """The state of a branch of the open turn; `tokens` are of the prompt, forced, and sampled."""

    def __init__(
        self,
        index: int,
        spec: BranchSpec,
        tokens: list[int],
        start: Part,
        markers: Markers = THINK,
        *,
        constraint: GrammarSampler | None = None,
        logprobs: LogprobRecorder | None = None,
        repetition: RepetitionDetector | None = None,
        penalties: RepetitionPenalties | None = None,
    ) -> None:
        self.index = index
        self.tokens = tokens
        self.note = spec.note
        self.written = 0
        self.budget = spec.max_tokens
        self.endless = spec.endless and not constraint
        self.forced = 0
        """Number of tokens inserted by the calculator."""
        self.pending: list[int] = []
        """The calculator's tokens that are not yet in `tokens`."""
        self.result = ""
        """Text that the calculator inserts after the branch's last `=`; empty = no text."""
        self.logprobs = logprobs
        self.repetition = repetition
        """Detector of loops in the text; None = repetition is allowed."""
        self.sequence = 0
        """The branch's sequence in the cache; 0 while it has none."""
        self.evaluated = 0
        """Number of the branch's tokens that are in the cache."""
        self.group = self.common = 0
        """Number of the branch's group; its branches share the cells of `common` tokens after the
        prefix sequence."""
        self._sampler = Sampler(spec.sampling, spec.seed, penalties)
        self._constraint = constraint
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopTextFinder(spec.stop)
        self._origins = TextOrigins()
        self._splitter = ThinkingSplitter(start, markers)
        self._markers = markers.texts
        calculates = spec.calculator and not self.endless and not constraint
        self._finder = ExpressionFinder(spec.forced) if calculates else None

    @property
    def tokens_left(self) -> int:
        """Number of tokens that the branch may still write."""
        return self.budget - self.written

    def sample_token(self, context: Any, row: int) -> int:
        """Sample the next token from the logits of one row of the last decoded batch."""
        if self._constraint:
            return self._constraint.sample_token(self._sampler.chain, self._splitter, context, row)
        return self._sampler.sample_token(context, row)

    def append_token(self, token: int, raw: bytes) -> tuple[list[TokenChunk], bool]:
        """Append a sampled token; return the new text, and whether a stop text was found."""
        self.tokens.append(token)
        self.written += 1
        text = self._decoder.decode(raw)
        if self._finder and (expression := self._finder.add_text(text)):
            self.result = self._compute_forced_text(expression)
        return self._feed_text(text, forced=False)

    def append_forced_tokens(self, tokens: list[int]) -> tuple[list[TokenChunk], bool]:
        """Append the text `result` as `tokens`; return the same as `append_token`."""
        text, self.result = self.result, ""
        self.pending += tokens
        self.forced += len(tokens)
        for token in tokens:
            self._sampler.accept_token(token)
        if self._finder:
            self._finder.forget_expression()
        return self._feed_text(text, forced=True)

    def move_pending_tokens(self, most: int) -> None:
        """Move at most `most` tokens from `pending` to `tokens`."""
        self.tokens += self.pending[:most]
        del self.pending[:most]

    def finish_branch(self, stopped: bool) -> list[TokenChunk]:
        """Free the samplers; return the rest of the text.

        `stopped`: whether a stop text ended the branch; the text after it is not returned.
        """
        self.free_samplers()
        chunks: list[TokenChunk] = []
        if not stopped:
            chunks, _ = self._feed_text(self._decoder.decode(b"", True), forced=False)
            chunks += self._split_parts(self._stops.flush())
        return [*chunks, *self._make_chunks(self._splitter.flush(), False)]

    def free_samplers(self) -> None:
        """Free the samplers. Can be called several times."""
        self._sampler.close()
        if self._constraint:
            self._constraint.close()

    def _feed_text(self, text: str, *, forced: bool) -> tuple[list[TokenChunk], bool]:
        """Add text to the parsers; return the new chunks, and whether a stop text was found."""
        self._origins.add_span(len(text), forced=forced)
        certain, stopped = self._stops.feed(text)
        return self._split_parts(certain), stopped

    def _split_parts(self, text: str) -> list[TokenChunk]:
        """Split text into chunks by part (thinking or answer) and by whether it was forced."""
        return [
            chunk
            for own, forced in self._origins.take_spans(text)
            for chunk in self._make_chunks(self._splitter.feed(own), forced)
        ]

    def _make_chunks(self, parts: list[tuple[Part, str]], forced: bool) -> list[TokenChunk]:
        return [TokenChunk(self.index, part, text, self.written, forced) for part, text in parts]

    def _compute_forced_text(self, expression: str) -> str:
        """Compute the text to insert after `expression` and its `=`: its value and `>>`.

        The text is empty if the expression has no value, or the value contains a marker.
        """
        value = evaluate_expression(expression)
        if value is None or any(marker in value for marker in self._markers):
            return ""
        return value + CLOSE

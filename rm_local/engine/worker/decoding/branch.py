"""The state of one branch while it is generated: its tokens, its samplers, its text."""

from __future__ import annotations

import codecs
from typing import Any

from rm_local.engine.branches import BranchSpec, Part, TokenChunk
from rm_local.engine.calculator import CLOSE, ExpressionFinder, evaluate_expression
from rm_local.engine.families.markers import THINK, ThinkingMarkers
from rm_local.engine.families.stream_parser import StopTextCutter, ThinkingSplitter
from rm_local.engine.worker.decoding.grammar_sampler import GrammarSampler
from rm_local.engine.worker.decoding.logprobs import LogprobRecorder
from rm_local.engine.worker.decoding.repetition import RepetitionDetector
from rm_local.engine.worker.decoding.sampler import RepetitionPenalties, Sampler
from rm_local.engine.worker.decoding.text_origins import ForcedTextTracker


class BranchState:
    """The state of one branch of the open turn while it is generated.

    `tokens` are the tokens of the prompt, of the forced text, and those sampled so far.
    """

    def __init__(
        self,
        index: int,
        spec: BranchSpec,
        tokens: list[int],
        start: Part,
        markers: ThinkingMarkers = THINK,
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
        """Number of tokens that the calculator has inserted into the branch."""
        self.pending: list[int] = []
        """The calculator's tokens that wait to be moved to `tokens`."""
        self.result = ""
        """Text that the calculator has to insert after the branch's last `=`; empty = no text."""
        self.logprobs = logprobs
        self.repetition = repetition
        """Detector of loops in the text; None = repetition is allowed."""
        self.sequence = 0
        """Number of the branch's sequence in the KV cache; 0 while it has none."""
        self.evaluated = 0
        """Number of the branch's tokens that are in the KV cache."""
        self.group = self.common = 0
        """Number of the branch's group, and number of tokens that the group shares.

        The branches of a group share the cache cells of `common` tokens after the prefix sequence.
        """
        self._sampler = Sampler(spec.sampling, spec.seed, penalties)
        self._constraint = constraint
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopTextCutter(spec.stop)
        self._origins = ForcedTextTracker()
        self._splitter = ThinkingSplitter(start, markers, exact=constraint is not None)
        self._markers = markers.nonempty_marker_texts
        calculates = spec.calculator and not self.endless and not constraint
        self._finder = ExpressionFinder(spec.forced) if calculates else None

    @property
    def tokens_left(self) -> int:
        """Number of tokens that the branch may still write."""
        return self.budget - self.written

    def sample_token(self, context: Any, row: int) -> int:
        """Sample the branch's next token from the logits of row `row` of the last decoded batch.

        The token is returned, but not appended.
        """
        if self._constraint:
            return self._constraint.sample_token(self._sampler.chain, self._splitter, context, row)
        return self._sampler.sample_token(context, row)

    def append_token_and_calculate(self, token: int, raw: bytes) -> tuple[list[TokenChunk], bool]:
        """Append a sampled token with its bytes `raw`.

        Return the text that is certain now, and whether a stop text was found.
        If the token completes an expression for the calculator, `result` is set.
        """
        self.tokens.append(token)
        self.written += 1
        text = self._decoder.decode(raw)
        if self._finder and (expression := self._finder.add_text_and_find_expression(text)):
            self.result = self._compute_inserted_text_or_empty(expression)
        return self._feed_text(text, forced=False)

    def queue_calculator_result(self, tokens: list[int]) -> tuple[list[TokenChunk], bool]:
        """Append the calculator's text `result`, whose tokens are `tokens`, to the branch.

        Return the new text, and whether a stop text was found. The tokens wait in `pending`.
        """
        text, self.result = self.result, ""
        self.pending += tokens
        self.forced += len(tokens)
        for token in tokens:
            self._sampler.accept_unsampled_token(token)
        if self._finder:
            self._finder.forget_expression()
        return self._feed_text(text, forced=True)

    def move_pending_to_tokens(self, most: int) -> None:
        """Move at most `most` of the calculator's tokens from `pending` to `tokens`."""
        self.tokens += self.pending[:most]
        del self.pending[:most]

    def free_samplers_and_flush(self, stopped: bool) -> list[TokenChunk]:
        """Free the samplers; return the text that was held back.

        `stopped`: whether a stop text ended the branch; then the text after it is dropped.
        """
        self.free_samplers()
        chunks: list[TokenChunk] = []
        if not stopped:
            chunks, _ = self._feed_text(self._decoder.decode(b"", True), forced=False)
            chunks += self._feed_splitter_and_make_chunks(self._stops.flush())
        return [*chunks, *self._make_chunks(self._splitter.flush(), False)]

    def free_samplers(self) -> None:
        """Free llama.cpp's samplers of the branch; further calls have no effect."""
        self._sampler.close()
        if self._constraint:
            self._constraint.close()

    def _feed_text(self, text: str, *, forced: bool) -> tuple[list[TokenChunk], bool]:
        """Pass new text through the stop texts and the splitter.

        Return the chunks that are certain now, and whether a stop text was found.
        """
        self._origins.add_span(len(text), forced=forced)
        certain, stopped = self._stops.feed(text)
        return self._feed_splitter_and_make_chunks(certain), stopped

    def _feed_splitter_and_make_chunks(self, text: str) -> list[TokenChunk]:
        """Pass text through the splitter; return the chunks that are certain now.

        Each chunk is of one part (thinking or answer), and forced or not. The recorded origins of
        the text are consumed.
        """
        return [
            chunk
            for own, forced in self._origins.take_spans(text)
            for chunk in self._make_chunks(self._splitter.feed(own), forced)
        ]

    def _make_chunks(self, parts: list[tuple[Part, str]], forced: bool) -> list[TokenChunk]:
        """Make the chunks for parts of the branch's new text."""
        return [TokenChunk(self.index, part, text, self.written, forced) for part, text in parts]

    def _compute_inserted_text_or_empty(self, expression: str) -> str:
        """Compute the text to insert after `<<expression=`: the value of the expression, and `>>`.

        It is empty if the expression has no value, or the value contains a thinking marker.
        """
        value = evaluate_expression(expression)
        if value is None or any(marker in value for marker in self._markers):
            return ""
        return value + CLOSE

"""One branch while it grows: its tokens, its draws, its text."""

from __future__ import annotations

import codecs
from typing import Any

from rm_local.engine.branches import BranchSpec, Part, TokenChunk
from rm_local.engine.families.markers import THINK, Markers
from rm_local.engine.families.stream_parser import Splitter, StopTexts
from rm_local.engine.worker.decoding.grammar_sampler import Constraint
from rm_local.engine.worker.decoding.logprobs import Logprobs
from rm_local.engine.worker.decoding.repetition import RepetitionDetector
from rm_local.engine.worker.decoding.sampler import Penalties, Sampler


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
        self._splitter = Splitter(start, markers)

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
        text, stopped = self._stops.feed(self._decoder.decode(raw))
        return self._pieces(self._splitter.feed(text)), stopped

    def close(self, stopped: bool) -> list[TokenChunk]:
        """Free the samplers; the pieces held back, unless a stop text ended the branch."""
        self.free()
        rest = "" if stopped else self._decoder.decode(b"", True)
        text = rest if stopped else self._stops.feed(rest)[0] + self._stops.flush()
        return self._pieces([*self._splitter.feed(text), *self._splitter.flush()])

    def free(self) -> None:
        """Free the samplers. More than once is the same as once."""
        self._sampler.close()
        if self._constraint:
            self._constraint.close()

    def _pieces(self, parts: list[tuple[Part, str]]) -> list[TokenChunk]:
        return [TokenChunk(self.index, part, text, self.written) for part, text in parts]

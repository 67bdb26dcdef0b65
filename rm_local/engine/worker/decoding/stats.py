"""Counts the tokens and measures the computing times of a loaded model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rm_local.engine.branches import EvaluatedTokens
from rm_local.engine.protocol import Stats
from rm_local.system import peak_memory


class StatsRecorder:
    """Counts tokens and times of a loaded model, in the fields of `Stats`."""

    def __init__(self) -> None:
        self.prompt = self.forced = self.reused = self.written = self.calculated = 0
        self.boundary = 0
        """Position in the open turn's tokens of the end of the prompt; forced text follows."""
        self._prefill = self._decode = 0.0

    def count_evaluated_tokens(self, start: int, end: int) -> None:
        """Count the tokens from position `start` up to `end` as prompt or as forced text."""
        prompt = max(0, min(end, self.boundary) - start)
        self.prompt += prompt
        self.forced += end - start - prompt

    @contextmanager
    def time_prefill(self) -> Iterator[None]:
        """Add the duration of the body to the prefill time."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._prefill += time.perf_counter() - start

    @contextmanager
    def time_decode(self) -> Iterator[None]:
        """Add the duration of the body to the decoding time."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._decode += time.perf_counter() - start

    def get_prefill_totals(self) -> EvaluatedTokens:
        """Return the tokens and seconds of prefill so far."""
        return EvaluatedTokens(self.prompt, self.forced, self._prefill)

    def compute_prefill_since(self, before: EvaluatedTokens) -> EvaluatedTokens:
        """Return the tokens and seconds of prefill since `get_prefill_totals` returned `before`."""
        now = self.get_prefill_totals()
        return EvaluatedTokens(
            now.prompt - before.prompt, now.forced - before.forced, now.seconds - before.seconds
        )

    def take_snapshot(self) -> Stats:
        """Return the current counts and times."""
        return Stats(
            prompt=self.prompt,
            forced=self.forced,
            reused=self.reused,
            written=self.written,
            prefill_seconds=self._prefill,
            decode_seconds=self._decode,
            memory=peak_memory(),
            calculated=self.calculated,
        )

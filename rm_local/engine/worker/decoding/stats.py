"""Counts the tokens of a loaded model, and measures its computing times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rm_local.engine.branches import EvaluatedTokenCounts
from rm_local.engine.protocol import Stats
from rm_local.system import get_peak_memory_or_zero


class StatsRecorder:
    """Counts the tokens and times of a loaded model; the counters mean the same as in `Stats`."""

    def __init__(self) -> None:
        self.prompt = self.forced = self.reused = self.written = self.calculated = 0
        self.boundary = 0
        """Number of tokens of the open turn's prompt; later positions are forced text."""
        self._prefill = self._decode = 0.0

    def count_as_prompt_or_forced(self, start: int, end: int) -> None:
        """Count the tokens at positions `start` to `end` - 1 as evaluated prompt or forced text."""
        prompt = max(0, min(end, self.boundary) - start)
        self.prompt += prompt
        self.forced += end - start - prompt

    @contextmanager
    def time_prefill(self) -> Iterator[None]:
        """Add the duration of the `with` body to the time of prefills."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._prefill += time.perf_counter() - start

    @contextmanager
    def time_decode(self) -> Iterator[None]:
        """Add the duration of the `with` body to the time of decoding."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._decode += time.perf_counter() - start

    def get_prefill_totals(self) -> EvaluatedTokenCounts:
        """Return the tokens evaluated, and the seconds of prefill, since the model was loaded."""
        return EvaluatedTokenCounts(self.prompt, self.forced, self._prefill)

    def compute_prefill_since(self, before: EvaluatedTokenCounts) -> EvaluatedTokenCounts:
        """Return the tokens evaluated, and the seconds of prefill, since the totals `before`."""
        now = self.get_prefill_totals()
        return EvaluatedTokenCounts(
            now.prompt - before.prompt, now.forced - before.forced, now.seconds - before.seconds
        )

    def take_snapshot(self) -> Stats:
        """Return all counts and times since the model was loaded, with the peak memory."""
        return Stats(
            prompt=self.prompt,
            forced=self.forced,
            reused=self.reused,
            written=self.written,
            prefill_seconds=self._prefill,
            decode_seconds=self._decode,
            memory=get_peak_memory_or_zero(),
            calculated=self.calculated,
        )

"""Records log probabilities of sampled tokens, computed from the model's unmodified logits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from rm_local.engine.branches import BranchEnded, SampledToken, TokenLogprob
from rm_local.engine.worker.decoding.candidates import view_logits
from rm_local.engine.worker.llama.tokenizer import Vocab
from rm_local.errors import UsageError

MAX_TOP = 10
"""Maximum number of alternatives recorded per token, so that a branch fits into one reply."""


class LogprobRecorder:
    """Records the log probabilities of one branch's sampled tokens, and of their alternatives."""

    def __init__(self, vocab: Vocab, top: int) -> None:
        """Start a record without tokens.

        `top`: number of alternatives to record with each token; 0 = record only the mean.

        Raises:
            UsageError: `top` is less than 0 or more than `MAX_TOP`.
        """
        if not 0 <= top <= MAX_TOP:
            message = f"{top} alternatives per token were requested."
            raise UsageError(message, f"Request 0 to {MAX_TOP}.")
        self._vocab = vocab
        self._top = min(top, vocab.size)
        self._sum = 0.0
        self._count = 0
        self._sampled: list[SampledToken] = []

    def record_token(self, context: Any, row: int, token: int) -> None:
        """Record the log probability of `token`, sampled from a row of the last decoded batch."""
        logits = view_logits(context, row, self._vocab.size)
        highest = float(logits.max())
        shares = logits - np.float32(highest)
        total = highest + math.log(np.exp(shares, out=shares).sum())
        logprob = float(logits[token]) - total
        self._sum += logprob
        self._count += 1
        if self._top > 0:
            best = np.argpartition(logits, -self._top)[-self._top :]
            best = best[np.argsort(-logits[best], kind="stable")]
            top = tuple(
                TokenLogprob(int(n), self._decode_token(int(n)), float(logits[n]) - total)
                for n in best
            )
            self._sampled.append(SampledToken(token, self._decode_token(token), logprob, top))

    def copy_with_logprobs_and_confidence(self, ended: BranchEnded) -> BranchEnded:
        """Return a copy of the event `ended` with the branch's recorded log probabilities.

        Its `confidence` is their mean; None if no token was recorded.
        """
        mean = self._sum / self._count if self._count else None
        return replace(ended, confidence=mean, logprobs=tuple(self._sampled))

    def _decode_token(self, token: int) -> str:
        return self._vocab.token_to_piece(token).decode("utf-8", "replace")

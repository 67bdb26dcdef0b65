"""How likely was what a branch wrote, by the model's logits as they are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from rm_local.engine.branches import BranchEnded, SampledToken, TokenLogprob
from rm_local.engine.worker.decoding.candidates import logits_of
from rm_local.engine.worker.llama.tokenizer import Vocab
from rm_local.errors import UsageError

MOST = 10
"""Likeliest tokens a token at most: a long branch has to fit into one reply."""


class Logprobs:
    """What is noted of one branch."""

    def __init__(self, vocab: Vocab, top: int) -> None:
        """`top`: likeliest tokens noted beside each one written; 0 = only the sum is kept.

        UsageError when there are to be more than `MOST`.
        """
        if not 0 <= top <= MOST:
            raise UsageError(f"{top} likeliest tokens are asked for.", f"Ask for 0 to {MOST}.")
        self._vocab = vocab
        self._top = min(top, vocab.size)
        self._sum = 0.0
        self._number = 0
        self._drawn: list[SampledToken] = []

    def add(self, context: Any, row: int, token: int) -> None:
        """Note a token that was drawn from one row of the batch that was decoded last."""
        logits = logits_of(context, row, self._vocab.size)
        highest = float(logits.max())
        shares = logits - np.float32(highest)
        total = highest + math.log(np.exp(shares, out=shares).sum())
        logprob = float(logits[token]) - total
        self._sum += logprob
        self._number += 1
        if self._top > 0:
            best = np.argpartition(logits, -self._top)[-self._top :]
            best = best[np.argsort(-logits[best], kind="stable")]
            top = tuple(
                TokenLogprob(int(n), self._text(int(n)), float(logits[n]) - total) for n in best
            )
            self._drawn.append(SampledToken(token, self._text(token), logprob, top))

    def told(self, ended: BranchEnded) -> BranchEnded:
        """The branch's end with what was noted."""
        mean = self._sum / self._number if self._number else None
        return replace(ended, confidence=mean, logprobs=tuple(self._drawn))

    def _text(self, token: int) -> str:
        return self._vocab.piece(token).decode("utf-8", "replace")

"""Samples the next token among those that a grammar allows, with llama.cpp's samplers."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from rm_local.engine.worker.decoding.sampler import MIN_P

_FIRST_TRIED = 256
"""Number of the most probable tokens that are checked against the grammar first."""
_LOGIT_RANGE = np.float32(math.log(MIN_P) - 0.01)
"""Difference to the best allowed logit, a negative number, below which no token is sampled."""
_TOKEN = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class CandidateSampler:
    """Samples tokens from logits with llama.cpp's samplers, limited to allowed tokens."""

    def __init__(self) -> None:
        self._array: Any = llama_cpp.llama_token_data_array()

    def is_token_allowed(self, grammar: Any, token: int) -> bool:
        """Return whether the grammar, a llama.cpp sampler, allows `token` as the next token."""
        row = np.zeros(1, _TOKEN)
        row["id"] = token
        self._apply_sampler(grammar, row)
        return bool(row["logit"][0] > -np.inf)

    def sample_allowed_token(
        self,
        logits: NDArray[np.float32],
        chain: Any,
        *,
        grammar: Any = None,
        excluded: Collection[int] = (),
    ) -> int | None:
        """Sample a token that the grammar allows and `excluded` does not contain.

        `logits`: an array (vocabulary,). `chain`: the llama.cpp sampler that chooses the token.
        `grammar`: None = any token is allowed. Return None if no token is allowed. Only tokens that
        the chain would not drop (`sampler.MIN_P`) are checked against the grammar.
        """
        logits = logits.copy()
        logits[list(excluded)] = -np.inf
        likeliest = (
            np.argpartition(logits, -_FIRST_TRIED)[-_FIRST_TRIED:]
            if len(logits) > _FIRST_TRIED
            else np.arange(len(logits))
        )
        rows = self._filter_allowed_tokens(grammar, likeliest, logits)
        lowest = rows["logit"].max() + _LOGIT_RANGE if len(rows) else np.finfo(np.float32).min
        rows = self._filter_allowed_tokens(grammar, np.flatnonzero(logits >= lowest), logits)
        if not len(rows):
            return None
        self._apply_sampler(chain, rows)
        return int(self._array.data[self._array.selected].id)

    def _filter_allowed_tokens(
        self, grammar: Any, tokens: NDArray[np.int64], logits: NDArray[np.float32]
    ) -> NDArray[np.void]:
        """Return the candidates (id, logit, p) of the tokens that the grammar allows, in order."""
        rows = np.zeros(len(tokens), _TOKEN)
        rows["id"], rows["logit"] = tokens, logits[tokens]
        if grammar and len(rows):
            self._apply_sampler(grammar, rows)
        return rows[rows["logit"] > -np.inf]

    def _apply_sampler(self, sampler: Any, rows: NDArray[np.void]) -> None:
        """Let a llama.cpp sampler change the logits of candidates, or select one of them."""
        array = self._array
        array.data = ctypes.cast(rows.ctypes.data, llama_cpp.llama_token_data_p)
        array.size, array.selected, array.sorted = len(rows), -1, False
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))


def view_logits(context: Any, row: int, vocabulary: int) -> NDArray[np.float32]:
    """Return the logits of row `row` of the last decoded batch: an array (`vocabulary`,).

    The array is in llama.cpp's memory: do not change it. The next batch overwrites it.
    """
    pointer = llama_cpp.llama_get_logits_ith(context, row)
    return np.ctypeslib.as_array(pointer, shape=(vocabulary,))

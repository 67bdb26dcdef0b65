"""All tokens that could come next, as llama.cpp's samplers take them."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from rm_local.engine.worker.decoding.sampler import HOPELESS

_FEW = 256
"""Likeliest tokens among which an allowed one is looked for first."""
_SPAN = np.float32(math.log(HOPELESS) - 0.01)
"""Logits that lie further than this below the likeliest allowed one are never drawn."""
_TOKEN = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Candidates:
    """A vocabulary's tokens, given to samplers with the logits of one place."""

    def __init__(self) -> None:
        self._array: Any = llama_cpp.llama_token_data_array()

    def allows(self, grammar: Any, token: int) -> bool:
        """Whether the grammar sampler lets this token come next."""
        row = np.zeros(1, _TOKEN)
        row["id"] = token
        self._apply(grammar, row)
        return bool(row["logit"][0] > -np.inf)

    def draw(
        self,
        logits: NDArray[np.float32],
        chain: Any,
        *,
        grammar: Any = None,
        without: Collection[int] = (),
    ) -> int | None:
        """A token from the logits, shape (vocabulary,), that the grammar allows; None = none is.

        The grammar is asked only about tokens that the chain could take (`sampling.HOPELESS`).
        """
        logits = logits.copy()
        logits[list(without)] = -np.inf
        few = (
            np.argpartition(logits, -_FEW)[-_FEW:] if len(logits) > _FEW else np.arange(len(logits))
        )
        rows = self._allowed(grammar, few, logits)
        least = rows["logit"].max() + _SPAN if len(rows) else np.finfo(np.float32).min
        rows = self._allowed(grammar, np.flatnonzero(logits >= least), logits)
        if not len(rows):
            return None
        self._apply(chain, rows)
        return int(self._array.data[self._array.selected].id)

    def _allowed(
        self, grammar: Any, tokens: NDArray[np.int64], logits: NDArray[np.float32]
    ) -> NDArray[np.void]:
        """Those of the tokens that the grammar allows, in their order."""
        rows = np.zeros(len(tokens), _TOKEN)
        rows["id"], rows["logit"] = tokens, logits[tokens]
        if grammar and len(rows):
            self._apply(grammar, rows)
        return rows[rows["logit"] > -np.inf]

    def _apply(self, sampler: Any, rows: NDArray[np.void]) -> None:
        array = self._array
        array.data = ctypes.cast(rows.ctypes.data, llama_cpp.llama_token_data_p)
        array.size, array.selected, array.sorted = len(rows), -1, False
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))


def logits_of(context: Any, row: int, vocabulary: int) -> NDArray[np.float32]:
    """The logits of one row of the batch that the context decoded last, shape (vocabulary,).

    They stand in llama.cpp's memory: not to be changed, and gone with the next batch.
    """
    pointer = llama_cpp.llama_get_logits_ith(context, row)
    return np.ctypeslib.as_array(pointer, shape=(vocabulary,))

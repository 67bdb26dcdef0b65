"""Predicts the header of a merged model (base model and adapter) before the merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from rm_local.gguf.header import GgufHeader
from rm_local.gguf.tensor_entry import TensorEntry

BLOCK, BLOCK_BYTES = 32, 34
"""Number of values in a Q8_0 block, and its size in bytes."""
_Q8_0, _MOSTLY_Q8_0 = 8, 7
"""ggml's number for the tensor type Q8_0, and llama.cpp's for a file with mostly Q8_0."""


def predict_merged_header(
    base: GgufHeader, changes: Mapping[str, str | float | bool]
) -> GgufHeader:
    """Predict the header of the file that `merge_adapter_as_q8_0` would write for a base model.

    `base` has to be read with `table=True`. The sizes of the weights are exact; `needed_bytes`
    ignores the changes' effect on the length of the metadata.
    """
    table = tuple(map(_predict_entry_after_quantization, base.table))
    values: Counter[int] = Counter()
    for entry in table:
        values[entry.type] += entry.value_count
    weights = sum(entry.bytes for entry in table)
    return replace(
        base,
        metadata={**base.metadata, **changes, "general.file_type": _MOSTLY_Q8_0},
        needed_bytes=base.needed_bytes - base.weight_bytes + weights,
        values=dict(values),
        weight_bytes=weights,
        total_layer_bytes=sum(entry.bytes for entry in table if entry.name.startswith("blk.")),
        table=table,
    )


def _predict_entry_after_quantization(entry: TensorEntry) -> TensorEntry:
    """Return a tensor's entry as it is after quantization to Q8_0.

    A tensor that is no matrix, or has rows of another length than a multiple of 32, is unchanged.
    The offset is not updated.
    """
    if max(entry.sizes[1:]) == 1 or entry.sizes[0] % BLOCK:
        return entry
    return replace(entry, type=_Q8_0, bytes=entry.value_count // BLOCK * BLOCK_BYTES)

"""The header of a base model with an adapter merged into it, known before it is merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from rm_local.gguf.header import GgufHeader
from rm_local.gguf.tensor_entry import TensorEntry

BLOCK, BLOCK_BYTES = 32, 34
"""Values of a Q8_0 block, and its size."""
_Q8_0, _MOSTLY_Q8_0 = 8, 7
"""The type of a tensor, and that of a file."""


def predict_merged_header(
    base: GgufHeader, changes: Mapping[str, str | float | bool]
) -> GgufHeader:
    """The header of the file that `merge_adapter` makes of a base, without making it.

    `base` was read with its table. The sizes of the weights are exact, `needed` is so but for the
    metadata.
    """
    table = tuple(map(_quantize_entry, base.table))
    values: Counter[int] = Counter()
    for entry in table:
        values[entry.type] += entry.values
    weights = sum(entry.bytes for entry in table)
    return replace(
        base,
        metadata={**base.metadata, **changes, "general.file_type": _MOSTLY_Q8_0},
        needed_bytes=base.needed_bytes - base.weight_bytes + weights,
        values=dict(values),
        weight_bytes=weights,
        layer_bytes=sum(entry.bytes for entry in table if entry.name.startswith("blk.")),
        table=table,
    )


def _quantize_entry(entry: TensorEntry) -> TensorEntry:
    """The tensor as Q8_0, if it is a matrix whose rows can be stored so; its place is not known."""
    if max(entry.sizes[1:]) == 1 or entry.sizes[0] % BLOCK:
        return entry
    return replace(entry, type=_Q8_0, bytes=entry.values // BLOCK * BLOCK_BYTES)

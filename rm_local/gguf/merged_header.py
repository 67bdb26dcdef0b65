"""The header of a base model with an adapter merged into it, known before it is merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rm_local.gguf.header import GgufHeader

BLOCK, BLOCK_BYTES = 32, 34
"""Values of a Q8_0 block, and its size."""
_F32, _Q8_0 = 0, 8
"""Types of tensors."""
_MOSTLY_Q8_0 = 7
"""A type of files."""


def predict_merged_header(
    base: GgufHeader, changes: Mapping[str, str | float | bool]
) -> GgufHeader:
    """The header of the file that `merge_adapter` makes of a base, without making it.

    Its sizes are exact where all tensors of the base that are not float32 are packed.
    """
    metadata = {**base.metadata, **changes, "general.file_type": _MOSTLY_Q8_0}
    values, layered_values = _pack_counts(base.values), _pack_counts(base.layered_values)
    weights = _count_bytes(values)
    return replace(
        base,
        metadata=metadata,
        needed=base.needed - base.weights + weights,
        values=values,
        weights=weights,
        layered=_count_bytes(layered_values),
        layered_values=layered_values,
    )


def _pack_counts(values: Mapping[int, int]) -> dict[int, int]:
    """Numbers of values by ggml type, with all but float32 packed."""
    kept = values.get(_F32, 0)
    counts = {_F32: kept, _Q8_0: sum(values.values()) - kept}
    return {type_: count for type_, count in counts.items() if count}


def _count_bytes(values: Mapping[int, int]) -> int:
    return values.get(_F32, 0) * 4 + values.get(_Q8_0, 0) // BLOCK * BLOCK_BYTES

"""The entry of a tensor in the header of a GGUF file, and the block sizes of ggml's types."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from rm_local.text import one_line

BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 40), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18),
}  # fmt: skip
"""ggml type -> number of values in a block of quantized weights, and the block's bytes."""


Sizes = tuple[int, int, int, int]
"""Size of each dimension of a tensor, the contiguous one first; 1 for missing dimensions."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """The entry of one tensor in a GGUF file's header: name, type, sizes and place of the data."""

    name: str
    type: int
    """ggml's number for the type of the tensor's values."""
    sizes: Sizes
    """Size of each dimension, the contiguous one first; 1 for missing dimensions."""
    bytes: int
    """Size of the tensor's data in bytes; 0 for an unknown type."""
    offset: int
    """Start of the tensor's data, in bytes from the start of the data section."""

    @property
    def value_count(self) -> int:
        """Number of values in the tensor."""
        return prod(self.sizes)


def clip_name(name: str) -> str:
    """Format a name from a file for a message: on one line, at most 80 characters."""
    return one_line(name, 80)


def format_tensor_sizes(sizes: Sizes) -> str:
    """Format a tensor's sizes, as in `576 x 64`, with at least two dimensions."""
    last = max((at for at, size in enumerate(sizes) if size != 1), default=0)
    return " x ".join(map(str, sizes[: max(2, last + 1)]))

"""A tensor as a GGUF's header describes it, and how ggml's types store values."""

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
"""ggml's number of a type -> values in a block, bytes of a block."""


Sizes = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """A tensor as the header describes it."""

    name: str
    type: int
    """ggml's number of its format."""
    sizes: Sizes
    """Values along each dimension, the one that is contiguous in memory first; 1 where there is
    no such dimension."""
    bytes: int
    """0 for a type that is not known."""
    offset: int
    """From where all data begins."""

    @property
    def values(self) -> int:
        """How many values it holds."""
        return prod(self.sizes)


def clip_name(name: str) -> str:
    """A name out of a file, as one line that is not too long for a message."""
    return one_line(name, 80)


def format_sizes(sizes: Sizes) -> str:
    """`576 x 64`; at least two sizes."""
    last = max((at for at, size in enumerate(sizes) if size != 1), default=0)
    return " x ".join(map(str, sizes[: max(2, last + 1)]))

"""How much memory a model needs, and what context fits.

    need    = weights + cache + compute + REST
    weights = bytes of the file's tensors (they are mapped, so they count once)
    cache   = for each layer (key + value) numbers a token, for each of the context's tokens,
              plus a recurrent layer's state for each sequence, as 4 bytes a number
    compute = the larger of   batch x (21 x width + 12 x inner) + attention
              and             logits + batch x 16 x width
              + logits, with  logits = sequences x vocabulary x 4
    attention = (batch x 2 + 8) x context, or without flash attention
                (batch x 4 x (heads + 1) + 80) x context

`width` is the larger of the embedding and the queries, `inner` that of the feed-forward part. A
layer's activations and the attention's mask are gone when the logits are computed; then those
are kept for the samplers. tests/contract/test_engine_fit.py holds it to llama.cpp's own report:
the cache is exact, computing 0.99 to 1.3 times what is taken, or to 1.5 without flash attention.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, get_args

from rm_local.gguf import Layer, ModelShape
from rm_local.options import Precision

BATCH_CPU, BATCH_GPU = 128, 512
"""Tokens of one decoding call at most. On a CPU a cancel is seen between two operations of the
graph, whose length grows with the batch; on a GPU only between two batches, which are short."""
SEQUENCES = 33
"""The worker's sequences: the root and its branches."""
RECURRENT_SEQUENCES = 9
PROCESS_BYTES = 96 << 20
"""Bytes of the worker process besides: Python, llama.cpp, the vocabulary."""
CONTEXT_STEP = 256
"""llama.cpp rounds contexts up to it."""
DEFAULT_CONTEXT = 16384
"""Tokens that the worker takes at most, unless asked for more."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_BYTES: dict[Precision, tuple[int, int]] = {
    "f16": (1, 2), "q8_0": (32, 34), "q5_1": (32, 24), "q5_0": (32, 22), "q4_1": (32, 20),
    "q4_0": (32, 18),
}  # fmt: skip
"""Values in a block, bytes of a block."""


class ModelSizes(Protocol):
    """What is to be known of a model; `engine.parts.Parts` and `library.model.Model` know it."""

    @property
    def weights(self) -> int:
        """Bytes of weights."""

    @property
    def layered(self) -> int:
        """Those of them that belong to a layer."""

    @property
    def context(self) -> int:
        """Tokens that it was trained on at once; 0 where it does not tell."""

    @property
    def shape(self) -> ModelShape:
        """Its layers and widths."""


@dataclass(frozen=True, slots=True)
class MemoryRequirement:
    """Bytes that a model needs at a context."""

    context: int
    weights: int
    cache: int
    compute: int

    @property
    def total(self) -> int:
        """All of it, with the rest of the worker process."""
        return self.weights + self.cache + self.compute + PROCESS_BYTES


def required_memory(
    model: ModelSizes,
    context: int,
    *,
    kv: Precision = "f16",
    flash: bool = True,
    windows: bool = False,
    batch: int = BATCH_CPU,
) -> MemoryRequirement:
    """What `model` needs to hold `context` tokens.

    `flash`: whether attention is computed without a matrix of all scores. `windows`: layers that
    see only a window keep no more than that; the worker keeps all, as branches and edits have to
    go back in them.
    """
    context = round_up(context)
    shape = model.shape
    ahead = batch if windows else 0
    cache = sum(layer_cache(layer, context, kv, ahead) for layer in shape.layers)
    return MemoryRequirement(context, model.weights, cache, _compute(shape, context, batch, flash))


def round_up(context: int) -> int:
    """The context that llama.cpp makes of it."""
    return -(-max(1, context) // CONTEXT_STEP) * CONTEXT_STEP


def largest_context(
    model: ModelSizes, free: int, *, kv: Precision = "f16", flash: bool = True, top: int = 0
) -> int:
    """The most tokens for which `free` bytes do, at most `top`, by default what the model was
    trained for; 0 for none."""
    top = top or model.context or DEFAULT_CONTEXT
    return largest_fitting(
        lambda context: required_memory(model, context, kv=kv, flash=flash).total <= free, top
    )


def largest_fitting(fits: Callable[[int], bool], top: int) -> int:
    """The largest context, in whole steps or `top` itself, that fits; 0 when none does."""
    low, high = 0, -(-top // CONTEXT_STEP)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle * CONTEXT_STEP):
            low = middle
        else:
            high = middle - 1
    return min(low * CONTEXT_STEP, top)


def default_context(model: ModelSizes, asked: int = 0) -> int:
    """The context that a turn gets: what is asked for, or what it was trained for, within 16384."""
    return asked or min(model.context or DEFAULT_CONTEXT, DEFAULT_CONTEXT)


def layer_cache(layer: Layer, context: int, kv: Precision, ahead: int = 0) -> int:
    """Bytes that a layer keeps; its window and `ahead` tokens alone, where that is not 0."""
    tokens = context
    if ahead and layer.window:
        tokens = min(context, -(-(layer.window + ahead) // CONTEXT_STEP) * CONTEXT_STEP)
    values, size = _BYTES[kv]
    rows = [-(-numbers // values) * size for numbers in (layer.key, layer.value)]
    return tokens * sum(rows) + layer.state * 4 * RECURRENT_SEQUENCES


def _compute(shape: ModelShape, context: int, batch: int, flash: bool) -> int:
    width = max(shape.width, shape.heads)
    sequences = RECURRENT_SEQUENCES if shape.recurrent else SEQUENCES
    attention = batch * 2 + 8 if flash else batch * 4 * (shape.head_count + 1) + 80
    layer = batch * (21 * width + 12 * shape.inner) + attention * context
    logits = sequences * shape.vocabulary * 4
    return max(layer, logits + batch * 16 * width) + logits

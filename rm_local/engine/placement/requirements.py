"""Estimates the memory that a model needs, and finds the largest context that fits.

    need    = weights + cache + compute + PROCESS_BYTES
    weights = bytes of the file's tensors (they are mapped, so they count once)
    cache   = for each layer (key + value) numbers per token, for each of the context's tokens,
              plus a recurrent layer's state for each sequence, 4 bytes per number
    compute = the larger of   batch x (21 x width + 12 x inner) + attention
              and             logits + batch x 16 x width
              + logits, with  logits = sequences x vocabulary x 4
    attention = (batch x 2 + 8) x context, or without flash attention
                (batch x 4 x (heads + 1) + 80) x context

`width` is the larger of the embedding and the queries, `inner` the width of the feed-forward part.
A layer's activations and the attention's mask are freed before the logits are computed, which are
kept for the samplers. tests/contract/test_engine_fit.py compares it with llama.cpp's own report:
the cache is exact, `compute` is 0.99 to 1.3 times the reported value, or up to 1.5 times without
flash attention.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, get_args

from rm_local.gguf import LayerCacheShape, ModelShape
from rm_local.options import Precision

BATCH_CPU, BATCH_GPU = 128, 512
"""Maximum number of tokens in one decoding call, on the CPU and on a graphics device.

On a CPU a cancel takes effect between two operations, whose time grows with the batch; on a
graphics device it takes effect between two batches, which are short."""
SEQUENCES = 33
"""Maximum number of sequences in the worker's cache: the prefix and its branches."""
RECURRENT_SEQUENCES = 9
"""Maximum number of sequences in the worker's cache for a recurrent model."""
PROCESS_BYTES = 96 << 20
"""Bytes of the worker process for Python, llama.cpp and the vocabulary."""
CONTEXT_STEP = 256
"""llama.cpp rounds context lengths up to a multiple of this number of tokens."""
DEFAULT_CONTEXT = 16384
"""Maximum context length in tokens, unless the user asks for more."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""The number formats for keys and values in the cache."""
_BYTES: dict[Precision, tuple[int, int]] = {
    "f16": (1, 2), "q8_0": (32, 34), "q5_1": (32, 24), "q5_0": (32, 22), "q4_1": (32, 20),
    "q4_0": (32, 18),
}  # fmt: skip
"""Number format of the cache -> number of values in a block, and the block's bytes."""


class ModelSizes(Protocol):
    """The sizes of a model for a memory estimate: `GgufFiles` or `AdaptedModelSizes`."""

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights."""

    @property
    def total_layer_bytes(self) -> int:
        """Bytes of the weights that belong to a layer."""

    @property
    def trained_context(self) -> int:
        """Context length in training, in tokens; 0 if the file does not state it."""

    @property
    def shape(self) -> ModelShape:
        """The model's numbers of layers and widths."""


@dataclass(frozen=True, slots=True)
class MemoryRequirement:
    """An estimate of a model's memory, in bytes, with a context of `context` tokens."""

    context: int
    weights: int
    cache: int
    """Bytes of the keys and values for the whole context."""
    compute: int
    """Bytes of the buffers for computing one batch."""

    @property
    def total(self) -> int:
        """Bytes of the whole worker process: weights, cache, compute buffers and PROCESS_BYTES."""
        return self.weights + self.cache + self.compute + PROCESS_BYTES


def estimate_memory(
    model: ModelSizes,
    context: int,
    *,
    kv: Precision = "f16",
    flash: bool = True,
    windows: bool = False,
    batch: int = BATCH_CPU,
) -> MemoryRequirement:
    """Estimate the memory that `model` needs for a context of `context` tokens.

    `kv`: number format of the cache. `flash`: whether flash attention is used. `windows`: whether
    layers with a sliding window cache only the tokens in the window; the worker caches all tokens,
    to be able to rewind.
    """
    context = round_up_context(context)
    shape = model.shape
    ahead = batch if windows else 0
    cache = sum(count_layer_cache_bytes(layer, context, kv, ahead) for layer in shape.layers)
    return MemoryRequirement(
        context, model.weight_bytes, cache, _estimate_compute_bytes(shape, context, batch, flash)
    )


def round_up_context(context: int) -> int:
    """Round a context length up to a multiple of CONTEXT_STEP, as llama.cpp does."""
    return -(-max(1, context) // CONTEXT_STEP) * CONTEXT_STEP


def find_largest_fitting_context_or_zero(fits: Callable[[int], bool], top: int) -> int:
    """Find the largest multiple of CONTEXT_STEP, up to `top`, for which `fits` is true; else 0."""
    low, high = 0, -(-top // CONTEXT_STEP)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle * CONTEXT_STEP):
            low = middle
        else:
            high = middle - 1
    return min(low * CONTEXT_STEP, top)


def choose_asked_or_default_context(model: ModelSizes, asked: int = 0) -> int:
    """Return the context length `asked`; if it is 0, that in training, at most DEFAULT_CONTEXT."""
    return asked or min(model.trained_context or DEFAULT_CONTEXT, DEFAULT_CONTEXT)


def count_layer_cache_bytes(
    layer: LayerCacheShape, context: int, kv: Precision, ahead: int = 0
) -> int:
    """Count the bytes of a layer's keys and values for `context` tokens, or of its state.

    `kv`: number format of keys and values.

    If `ahead` is not 0, a layer with a window caches only its window and `ahead` more tokens.
    """
    tokens = context
    if ahead and layer.window:
        tokens = min(context, -(-(layer.window + ahead) // CONTEXT_STEP) * CONTEXT_STEP)
    values, size = _BYTES[kv]
    rows = [-(-numbers // values) * size for numbers in (layer.key, layer.value)]
    return tokens * sum(rows) + layer.state * 4 * RECURRENT_SEQUENCES


def _estimate_compute_bytes(shape: ModelShape, context: int, batch: int, flash: bool) -> int:
    """Estimate the bytes of llama.cpp's compute buffers for one batch of `batch` tokens."""
    width = max(shape.width, shape.heads)
    sequences = RECURRENT_SEQUENCES if shape.has_recurrent_layer else SEQUENCES
    attention = batch * 2 + 8 if flash else batch * 4 * (shape.head_count + 1) + 80
    layer = batch * (21 * width + 12 * shape.inner) + attention * context
    logits = sequences * shape.vocabulary * 4
    return max(layer, logits + batch * 16 * width) + logits

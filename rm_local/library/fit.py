"""How much memory a model needs, what context fits, and how many layers fit a device.

    need    = weights + cache + compute + REST
    weights = bytes of the file's tensors (they are mapped, so they count once)
    cache   = for each layer (key + value) numbers a token, for each of the context's tokens,
              plus a recurrent layer's state for each sequence, as 4 bytes a number
    compute = the larger of   batch x (21 x width + 12 x inner) + (batch x 2 + 8) x context
              and             logits + batch x 16 x width
              + logits, with  logits = sequences x vocabulary x 4

`width` is the larger of the embedding and the queries, `inner` that of the feed-forward part. A
layer's activations and the attention's mask are gone when the logits are computed; then those
are kept for the samplers. tests/contract/test_library_fit.py holds it to llama.cpp's own report:
the cache is exact, computing 0.99 to 1.3 times what is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rm_local.library.model import Model
from rm_local.library.shape import Layer, Shape

BATCH_CPU, BATCH_GPU = 128, 512
"""Tokens of one decoding call, as the worker makes them."""
SEQUENCES = 33
"""The worker's sequences: the root and its branches."""
RECURRENT_SEQUENCES = 9
REST = 96 << 20
"""Bytes of the worker process besides: Python, llama.cpp, the vocabulary."""
STEP = 256
"""llama.cpp rounds contexts up to it."""
DEFAULT_CONTEXT = 16384
"""Tokens that the worker takes at most, unless asked for more."""

Precision = Literal["f16", "q8_0"]
_BYTES: dict[Precision, tuple[int, int]] = {"f16": (1, 2), "q8_0": (32, 34)}
"""Values in a block, bytes of a block."""


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a model needs at a context."""

    context: int
    weights: int
    cache: int
    compute: int

    @property
    def total(self) -> int:
        """All of it, with the rest of the worker process."""
        return self.weights + self.cache + self.compute + REST


def needed(
    model: Model,
    context: int,
    *,
    kv: Precision = "f16",
    windows: bool = False,
    batch: int = BATCH_CPU,
) -> Need:
    """What `model` needs to hold `context` tokens.

    `kv` is how keys and values are stored. `windows`: layers that see only a window keep no more
    than that; the worker keeps all, as branches and edits have to go back in them.
    """
    context = -(-max(1, context) // STEP) * STEP
    shape = model.shape
    cache = sum(_layer_cache(layer, context, kv, batch if windows else 0) for layer in shape.layers)
    return Need(context, model.weights, cache, _compute(shape, context, batch))


def largest_context(model: Model, free: int, *, kv: Precision = "f16") -> int:
    """The most tokens for which `free` bytes do, at most what it was trained for; 0 for none."""
    low, high = 0, -(-(model.context or DEFAULT_CONTEXT) // STEP)
    while low < high:
        middle = (low + high + 1) // 2
        if needed(model, middle * STEP, kv=kv).total <= free:
            low = middle
        else:
            high = middle - 1
    return min(low * STEP, model.context or DEFAULT_CONTEXT)


def layers_that_fit(model: Model, free: int, context: int, *, kv: Precision = "f16") -> int:
    """How many layers a device with `free` bytes holds, weights and cache, the output last.

    From 0 to the number of layers plus 1, as llama.cpp counts them.
    """
    layers = model.shape.layers
    if not layers:
        return 0
    need = needed(model, context, kv=kv, batch=BATCH_GPU)
    left = free - need.compute
    each = model.layered // len(layers) + need.cache // len(layers)
    whole = max(0, min(len(layers), left // max(1, each)))
    output = model.weights - model.layered
    return whole + (whole == len(layers) and left - whole * each >= output)


def usual_context(model: Model, asked: int = 0) -> int:
    """The context that a turn gets: what is asked for, or what it was trained for, within 16384."""
    return asked or min(model.context or DEFAULT_CONTEXT, DEFAULT_CONTEXT)


def _layer_cache(layer: Layer, context: int, kv: Precision, ahead: int) -> int:
    """Bytes that a layer keeps; its window and `ahead` tokens alone, where that is not 0."""
    tokens = context
    if ahead and layer.window:
        tokens = min(context, -(-(layer.window + ahead) // STEP) * STEP)
    values, size = _BYTES[kv]
    rows = [-(-numbers // values) * size for numbers in (layer.key, layer.value)]
    return tokens * sum(rows) + layer.state * 4 * RECURRENT_SEQUENCES


def _compute(shape: Shape, context: int, batch: int) -> int:
    width = max(shape.width, shape.heads)
    sequences = RECURRENT_SEQUENCES if shape.recurrent else SEQUENCES
    layer = batch * (21 * width + 12 * shape.inner) + (batch * 2 + 8) * context
    logits = sequences * shape.vocabulary * 4
    return max(layer, logits + batch * 16 * width) + logits

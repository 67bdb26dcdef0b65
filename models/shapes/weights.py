"""Makes random weights in llama.cpp's types. Repeated blocks are quantized once."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from models.shapes.shape import Shape, TensorSpec

SCHEMES = ("Q4_K_M", "Q8_0", "F16")
_SPREAD = 0.02
"""Standard deviation of the weights of the token embedding."""
_PEAK = 8.0
"""Standard deviation of the logits.

A trained model is sure of most tokens, and sampling takes less time the surer a model is.
"""
_SLAB = 1 << 22
"""Maximum random values for one matrix; a larger matrix repeats them."""
_Q = gguf.GGMLQuantizationType


def choose_tensor_type(scheme: str, tensor: TensorSpec, shape: Shape) -> Any:
    """Return the ggml type that llama.cpp's quantizer gives the tensor under this scheme."""
    if tensor.kind != "matrix":
        return _Q.F32
    if scheme != "Q4_K_M":
        return getattr(_Q, scheme)
    logits = tensor.part == "output" or (tensor.part == "token_embd" and shape.tied)
    chosen = _Q.Q6_K if logits or _gets_more_bits(tensor, shape) else _Q.Q4_K
    if tensor.size[-1] % 256:  # no whole number of its blocks
        return {_Q.Q6_K: _Q.Q8_0, _Q.Q4_K: _Q.Q5_0}[chosen]
    return chosen


def _gets_more_bits(tensor: TensorSpec, shape: Shape) -> bool:
    """Return whether Q4_K_M gives this tensor more bits, by its place among tensors of its part.

    Those are in the first and the last eighth, and every third between.
    """
    if not tensor.part.startswith(("attn_v", "ffn_down")):
        return False
    values = tensor.part == "attn_v"
    layers = [n for n in range(shape.layers) if shape.has_attention(n) or not values]
    count, at = len(layers), layers.index(tensor.layer)
    return at < count // 8 or at >= 7 * count // 8 or (at - count // 8) % 3 == 2


def make_tensor_data(tensor: TensorSpec, kind: Any, shape: Shape) -> NDArray[Any]:
    """Return the tensor's data: float32, float16, or bytes of quantized rows.

    `kind` is the ggml type.
    """
    if tensor.kind == "ones":
        # What comes last sets how far the logits are apart.
        last = tensor.layer < 0
        scale = _PEAK / (_SPREAD * shape.width**0.5) if last else 1.0
        return np.full(tensor.size, scale, np.float32)
    if tensor.kind == "decay":
        return -np.broadcast_to(np.arange(1, tensor.size[1] + 1, dtype=np.float32), tensor.size)
    spread = _SPREAD if tensor.layer < 0 else tensor.size[-1] ** -0.5
    rows = int(np.prod(tensor.size[:-1]))
    slab = _make_random_rows(
        min(rows, max(1, _SLAB // tensor.size[-1])), tensor.size[-1], spread, kind
    )
    return np.resize(slab, (*tensor.size[:-1], slab.shape[1]))


@cache
def _make_random_rows(rows: int, columns: int, spread: float, kind: Any) -> NDArray[Any]:
    drawn = np.random.default_rng(rows + columns).standard_normal((rows, columns), np.float32)
    drawn *= spread
    if kind == _Q.F32:
        return drawn
    if kind == _Q.F16:
        return drawn.astype(np.float16)
    from llama_cpp._ggml import libggml

    block, size = gguf.GGML_QUANT_SIZES[kind]
    packed = np.empty((rows, columns // block * size), np.uint8)
    quantise = libggml.ggml_quantize_chunk
    quantise.restype = ctypes.c_size_t
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    quantise.argtypes = [ctypes.c_int, pointer, pointer, count, count, count, pointer]
    written = quantise(int(kind), drawn.ctypes.data, packed.ctypes.data, 0, rows, columns, None)
    assert written == packed.nbytes
    return packed

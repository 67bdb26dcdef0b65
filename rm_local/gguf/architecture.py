"""Reads a model's shape from its metadata, to estimate its memory: layers, heads, windows, widths.

A window is the number of preceding tokens to which a layer's attention is limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST_LAYERS = 512
"""llama.cpp's own limit."""
_MOST = 1 << 31
"""A number in the metadata of this size or more is treated as missing."""

# In each group of so many layers the last sees all tokens and the others see a window. Used where
# the metadata do not say. https://github.com/ggml-org/llama.cpp/blob/master/src/llama-model.cpp
_WINDOW_PATTERNS = {
    "cohere2": 4, "exaone4": 4, "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "olmo2": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layer:
    """Sizes of one layer's cache: key and value per token, or a state per sequence."""

    key: int
    """Numbers of a token's key, over all KV heads; 0 in a layer without keys."""
    value: int
    window: int = 0
    """Number of preceding tokens that the layer attends to; 0 = all."""
    state: int = 0
    """Numbers of a recurrent layer's state."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a model that its memory depends on; 0 = missing in its metadata."""

    layers: tuple[Layer, ...]
    width: int
    heads: int
    """Numbers of a token's query, over all heads."""
    head_count: int
    """Heads of a query."""
    inner: int
    """Numbers between a layer's two feed-forward matrices, over all experts in use."""
    vocabulary: int

    @property
    def windowed(self) -> bool:
        """Whether the attention of some layers is limited to a window of tokens."""
        return any(layer.window for layer in self.layers)

    @property
    def recurrent(self) -> bool:
        """Whether some layers are recurrent: they keep a state instead of keys and values."""
        return any(layer.state for layer in self.layers)


def read_shape(metadata: Mapping[str, Any]) -> ModelShape:
    """Read the shape from a model's metadata; impossible numbers count as missing."""
    own = _OwnMetadata(metadata, str(metadata.get("general.architecture", "")))
    width, heads = own.read_number("embedding_length"), own.read_number("attention.head_count") or 1
    key = own.read_number("attention.key_length") or width // heads
    experts = own.read_number("expert_used_count")
    inner = own.read_number("feed_forward_length")
    if experts:
        each = own.read_number("expert_feed_forward_length") or inner
        shared = own.read_number("expert_shared_count") * each
        inner = max(inner, experts * each + shared)
    inner = max(inner, 2 * own.read_number("ssm.inner_size"))
    count = min(own.read_number("block_count"), _MOST_LAYERS)
    return ModelShape(
        layers=tuple(_build_layer(own, number, heads, key) for number in range(count)),
        width=width,
        heads=heads * key,
        head_count=heads,
        inner=inner,
        vocabulary=_count_vocabulary(metadata, own),
    )


class _OwnMetadata:
    """Reads numbers from the metadata with keys that begin with the architecture's name."""

    def __init__(self, metadata: Mapping[str, Any], architecture: str) -> None:
        self.metadata = metadata
        self.architecture = architecture

    def read_number(self, key: str, layer: int | None = None) -> int:
        """Read a whole number; 0 if it is missing or impossible.

        From a list, read the number of `layer`, or the largest one if `layer` is None.
        """
        value = self.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, list):
            numbers = [_accept_number(each) for each in value]
            if layer is None:
                return max(numbers, default=0)
            return numbers[layer] if layer < len(numbers) else 0
        return _accept_number(value)

    def has_key(self, key: str) -> bool:
        """Return whether the metadata contain the key."""
        return f"{self.architecture}.{key}" in self.metadata


def _accept_number(value: object) -> int:
    return int(value) if isinstance(value, int) and 0 < value < _MOST else 0


def _build_layer(own: _OwnMetadata, number: int, heads: int, key: int) -> Layer:
    every = own.read_number("full_attention_interval")
    kv_heads = own.read_number("attention.head_count_kv", number)
    if not own.has_key("attention.head_count_kv"):
        kv_heads = 0 if own.has_key("ssm.state_size") else heads
    if not kv_heads or (every and (number + 1) % every):
        return Layer(0, 0, state=_count_state(own))
    if own.read_number("attention.key_length_mla"):  # values are read from the compressed keys
        return Layer(key * kv_heads, 0)
    value = own.read_number("attention.value_length") or key
    return Layer(key * kv_heads, value * kv_heads, _read_window(own, number))


def _read_window(own: _OwnMetadata, number: int) -> int:
    window = own.read_number("attention.sliding_window")
    pattern = own.metadata.get(f"{own.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, list):
        return window if number < len(pattern) and pattern[number] else 0
    every = _accept_number(pattern) or _WINDOW_PATTERNS.get(own.architecture, 0)
    return window if every and (number + 1) % every else 0


def _count_state(own: _OwnMetadata) -> int:
    """Count the numbers of a recurrent layer's state and of its convolution's last inputs."""
    if short := own.read_number("shortconv.l_cache"):
        return (short - 1) * own.read_number("embedding_length")
    inner, state = own.read_number("ssm.inner_size"), own.read_number("ssm.state_size")
    kernel = max(0, own.read_number("ssm.conv_kernel") - 1)
    return kernel * (inner + 2 * own.read_number("ssm.group_count") * state) + inner * state


def _count_vocabulary(metadata: Mapping[str, Any], own: _OwnMetadata) -> int:
    tokens = metadata.get("tokenizer.ggml.tokens")
    return len(tokens) if isinstance(tokens, list) else _accept_number(tokens)

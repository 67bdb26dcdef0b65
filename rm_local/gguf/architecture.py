"""What a model's memory depends on, out of its metadata: layers, heads, windows, widths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST_LAYERS = 512
"""llama.cpp's own limit."""
_MOST = 1 << 31
"""A number of metadata beyond it is taken for none."""

# Of every so many layers the last sees all tokens and the others a window, where the metadata do
# not say so themselves. https://github.com/ggml-org/llama.cpp/blob/master/src/llama-model.cpp
_WINDOW_PATTERNS = {
    "cohere2": 4, "exaone4": 4, "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "olmo2": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer keeps: for each token a key and a value, or a state for each sequence."""

    key: int
    """Numbers of a token's key, over all KV heads; 0 in a layer that keeps none."""
    value: int
    window: int = 0
    """Tokens that it looks back; 0: all."""
    state: int = 0
    """Numbers of a recurrent layer's state."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Sizes of a model; 0 where its metadata do not tell."""

    layers: tuple[Layer, ...]
    width: int
    heads: int
    """Numbers of a token's query, over all heads."""
    head_count: int
    """Heads of a query."""
    inner: int
    """Numbers between a layer's two feed-forward matrices, of all experts in use."""
    vocabulary: int

    @property
    def windowed(self) -> bool:
        """Whether some layers see only a window."""
        return any(layer.window for layer in self.layers)

    @property
    def recurrent(self) -> bool:
        """Whether some layers keep a state instead of keys and values."""
        return any(layer.state for layer in self.layers)


def shape_of(metadata: Mapping[str, Any]) -> ModelShape:
    """The shape that the metadata tell; numbers that make no sense count as not told."""
    told = _Told(metadata, str(metadata.get("general.architecture", "")))
    width, heads = told.number("embedding_length"), told.number("attention.head_count") or 1
    key = told.number("attention.key_length") or width // heads
    experts = told.number("expert_used_count")
    inner = told.number("feed_forward_length")
    if experts:
        each = told.number("expert_feed_forward_length") or inner
        shared = told.number("expert_shared_count") * each
        inner = max(inner, experts * each + shared)
    inner = max(inner, 2 * told.number("ssm.inner_size"))
    count = min(told.number("block_count"), _MOST_LAYERS)
    return ModelShape(
        layers=tuple(_layer(told, number, heads, key) for number in range(count)),
        width=width,
        heads=heads * key,
        head_count=heads,
        inner=inner,
        vocabulary=_vocabulary(metadata, told),
    )


class _Told:
    """An architecture's own metadata, as numbers that make sense."""

    def __init__(self, metadata: Mapping[str, Any], architecture: str) -> None:
        self.metadata = metadata
        self.architecture = architecture

    def number(self, key: str, layer: int | None = None) -> int:
        """A whole number, of a list the layer's or the largest; 0 where there is none."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, list):
            numbers = [_sensible(each) for each in value]
            if layer is None:
                return max(numbers, default=0)
            return numbers[layer] if layer < len(numbers) else 0
        return _sensible(value)

    def has(self, key: str) -> bool:
        """Whether the metadata have the key."""
        return f"{self.architecture}.{key}" in self.metadata


def _sensible(value: object) -> int:
    return int(value) if isinstance(value, int) and 0 < value < _MOST else 0


def _layer(told: _Told, number: int, heads: int, key: int) -> Layer:
    every = told.number("full_attention_interval")
    kv_heads = told.number("attention.head_count_kv", number)
    if not told.has("attention.head_count_kv"):
        kv_heads = 0 if told.has("ssm.state_size") else heads
    if not kv_heads or (every and (number + 1) % every):
        return Layer(0, 0, state=_state(told))
    if told.number("attention.key_length_mla"):  # values are read from the compressed keys
        return Layer(key * kv_heads, 0)
    value = told.number("attention.value_length") or key
    return Layer(key * kv_heads, value * kv_heads, _window(told, number))


def _window(told: _Told, number: int) -> int:
    window = told.number("attention.sliding_window")
    pattern = told.metadata.get(f"{told.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, list):
        return window if number < len(pattern) and pattern[number] else 0
    every = _sensible(pattern) or _WINDOW_PATTERNS.get(told.architecture, 0)
    return window if every and (number + 1) % every else 0


def _state(told: _Told) -> int:
    """Numbers of a recurrent layer's state: the convolution's last inputs, and the state itself."""
    if short := told.number("shortconv.l_cache"):
        return (short - 1) * told.number("embedding_length")
    inner, state = told.number("ssm.inner_size"), told.number("ssm.state_size")
    kernel = max(0, told.number("ssm.conv_kernel") - 1)
    return kernel * (inner + 2 * told.number("ssm.group_count") * state) + inner * state


def _vocabulary(metadata: Mapping[str, Any], told: _Told) -> int:
    tokens = metadata.get("tokenizer.ggml.tokens")
    return len(tokens) if isinstance(tokens, list) else _sensible(tokens)

"""Reads from a GGUF file's metadata the sizes on which a model's memory depends.

These are the numbers and widths of layers, heads and feed-forward parts. A window is the number of
preceding tokens to which a layer's attention is limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST_LAYERS = 512
"""Maximum number of layers of a model, as in llama.cpp."""
_MOST = 1 << 31
"""Numbers in the metadata from this one on are impossible, and are treated as missing."""

# In each group of so many layers the last sees all tokens and the others see a window. Used where
# the metadata do not say. https://github.com/ggml-org/llama.cpp/blob/master/src/llama-model.cpp
_WINDOW_PATTERNS = {
    "cohere2": 4, "exaone4": 4, "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "olmo2": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayerCacheShape:
    """The sizes of one layer's part of the KV cache.

    A layer stores a key and a value of each token; a recurrent layer, a state of each sequence.
    """

    key: int
    """How many numbers a token's key has, over all KV heads; 0 in a layer without keys."""
    value: int
    """How many numbers a token's value has, over all KV heads; 0 in a layer without values."""
    window: int = 0
    """Number of preceding tokens that the layer attends to; 0 = all."""
    state: int = 0
    """How many numbers a recurrent layer's state has; 0 in other layers."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a model for an estimate of its memory; 0 = missing in the file's metadata."""

    layers: tuple[LayerCacheShape, ...]
    width: int
    heads: int
    """How many numbers a token's query has, over all heads."""
    head_count: int
    """Number of attention heads for queries."""
    inner: int
    """Width between a layer's two feed-forward matrices, over all experts used for a token."""
    vocabulary: int
    """Number of tokens in the vocabulary."""

    @property
    def has_windowed_layer(self) -> bool:
        """Whether any layer attends only to a window of preceding tokens."""
        return any(layer.window for layer in self.layers)

    @property
    def has_recurrent_layer(self) -> bool:
        """Whether any layer is recurrent: it keeps a state instead of keys and values."""
        return any(layer.state for layer in self.layers)


def compute_model_shape_or_zeros(metadata: Mapping[str, Any]) -> ModelShape:
    """Read a model's sizes from its metadata; missing and impossible numbers become 0."""
    own = _ArchitectureMetadata(metadata, str(metadata.get("general.architecture", "")))
    width, heads = (
        own.get_whole_number_or_zero("embedding_length"),
        own.get_whole_number_or_zero("attention.head_count") or 1,
    )
    key = own.get_whole_number_or_zero("attention.key_length") or width // heads
    experts = own.get_whole_number_or_zero("expert_used_count")
    inner = own.get_whole_number_or_zero("feed_forward_length")
    if experts:
        each = own.get_whole_number_or_zero("expert_feed_forward_length") or inner
        shared = own.get_whole_number_or_zero("expert_shared_count") * each
        inner = max(inner, experts * each + shared)
    inner = max(inner, 2 * own.get_whole_number_or_zero("ssm.inner_size"))
    count = min(own.get_whole_number_or_zero("block_count"), _MOST_LAYERS)
    return ModelShape(
        layers=tuple(
            _compute_layer_cache_shape(own, number, heads, key) for number in range(count)
        ),
        width=width,
        heads=heads * key,
        head_count=heads,
        inner=inner,
        vocabulary=_count_vocabulary_tokens_or_zero(metadata),
    )


class _ArchitectureMetadata:
    """Reads metadata whose keys begin with the architecture's name, such as `llama.block_count`."""

    def __init__(self, metadata: Mapping[str, Any], architecture: str) -> None:
        self.metadata = metadata
        self.architecture = architecture

    def get_whole_number_or_zero(self, key: str, layer: int | None = None) -> int:
        """Read the whole number under `key` (without the architecture); 0 if missing or impossible.

        Of a list, read the number for `layer`, or the largest number if `layer` is None.
        """
        value = self.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, list):
            numbers = [_parse_count_or_zero(each) for each in value]
            if layer is None:
                return max(numbers, default=0)
            return numbers[layer] if layer < len(numbers) else 0
        return _parse_count_or_zero(value)

    def has_key(self, key: str) -> bool:
        """Return whether the metadata contain `key`, given without the architecture's name."""
        return f"{self.architecture}.{key}" in self.metadata


def _parse_count_or_zero(value: object) -> int:
    """Return `value` if it is a whole number between 0 and `_MOST`; otherwise 0."""
    return int(value) if isinstance(value, int) and 0 < value < _MOST else 0


def _compute_layer_cache_shape(
    own: _ArchitectureMetadata, number: int, heads: int, key: int
) -> LayerCacheShape:
    every = own.get_whole_number_or_zero("full_attention_interval")
    kv_heads = own.get_whole_number_or_zero("attention.head_count_kv", number)
    if not own.has_key("attention.head_count_kv"):
        kv_heads = 0 if own.has_key("ssm.state_size") else heads
    if not kv_heads or (every and (number + 1) % every):
        return LayerCacheShape(0, 0, state=_count_recurrent_state_numbers(own))
    if own.get_whole_number_or_zero(
        "attention.key_length_mla"
    ):  # values are read from the compressed keys
        return LayerCacheShape(key * kv_heads, 0)
    value = own.get_whole_number_or_zero("attention.value_length") or key
    return LayerCacheShape(key * kv_heads, value * kv_heads, _get_layer_window_or_zero(own, number))


def _get_layer_window_or_zero(own: _ArchitectureMetadata, number: int) -> int:
    window = own.get_whole_number_or_zero("attention.sliding_window")
    pattern = own.metadata.get(f"{own.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, list):
        return window if number < len(pattern) and pattern[number] else 0
    every = _parse_count_or_zero(pattern) or _WINDOW_PATTERNS.get(own.architecture, 0)
    return window if every and (number + 1) % every else 0


def _count_recurrent_state_numbers(own: _ArchitectureMetadata) -> int:
    """Count the numbers in a recurrent layer's state and in its convolution's last inputs."""
    if short := own.get_whole_number_or_zero("shortconv.l_cache"):
        return (short - 1) * own.get_whole_number_or_zero("embedding_length")
    inner, state = (
        own.get_whole_number_or_zero("ssm.inner_size"),
        own.get_whole_number_or_zero("ssm.state_size"),
    )
    kernel = max(0, own.get_whole_number_or_zero("ssm.conv_kernel") - 1)
    return (
        kernel * (inner + 2 * own.get_whole_number_or_zero("ssm.group_count") * state)
        + inner * state
    )


def _count_vocabulary_tokens_or_zero(metadata: Mapping[str, Any]) -> int:
    tokens = metadata.get("tokenizer.ggml.tokens")
    return len(tokens) if isinstance(tokens, list) else _parse_count_or_zero(tokens)

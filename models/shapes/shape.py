"""The shape of a model as data, and the tensors that it has under llama.cpp's names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

Kind = Literal["matrix", "full", "ones", "decay"]
"""Quantised; kept in float32; ones; the logarithm's negative of a state's decay, in float32."""


LAST_NORMS = {"lfm2": "token_embd_norm"}
"""What architectures call the norm before the logits that do not call it `output_norm`."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor: which part of a layer (or of the model), its size, rows before columns."""

    part: str
    size: tuple[int, ...]
    kind: Kind = "matrix"
    layer: int = -1
    """-1 = it belongs to no layer."""

    @property
    def name(self) -> str:
        """As llama.cpp calls it."""
        where = f"blk.{self.layer}." if self.layer >= 0 else ""
        plain = self.part.endswith(".bias") or self.part in ("ssm_a", "ssm_d")
        return f"{where}{self.part}" if plain else f"{where}{self.part}.weight"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a config.json says of a model; see shapes.toml."""

    name: str
    source: str
    architecture: str
    width: int
    layers: int
    inner: int
    vocabulary: int
    tied: bool
    context: int
    epsilon: float
    heads: int = 0
    kv_heads: int = 0
    head: int = 0
    head_norm: Literal["head", "whole", ""] = ""
    rope_base: float = 0.0
    experts: int = 0
    experts_used: int = 0
    attention: tuple[int, ...] | None = None
    """Layers with attention; None = all."""
    convolution: int = 0
    """Positions that a convolution sees."""
    state: int = 0
    time_step: int = 0

    def has_attention(self, layer: int) -> bool:
        """Whether this layer has attention."""
        return self.attention is None or layer in self.attention

    def keep_first_layers(self, layers: int) -> Shape:
        """The same with its first layers alone."""
        if layers >= self.layers:
            return self
        return replace(self, layers=layers, name=f"{self.name}-{layers}-of-{self.layers}-layers")


def read_shapes() -> dict[str, Shape]:
    """All shapes of shapes.toml by name."""
    text = Path(__file__).with_name("shapes.toml").read_text(encoding="utf-8")
    return {
        name.replace("_", "."): _parse_shape(name.replace("_", "."), values)
        for name, values in tomllib.loads(text).items()
    }


def _parse_shape(name: str, values: dict[str, Any]) -> Shape:
    attention = values.pop("attention", None)
    layers = None if attention is None else tuple(attention)
    return Shape(name=name, attention=layers, **values)


def list_tensors(shape: Shape) -> Iterator[TensorSpec]:
    """Every tensor, in the order of the layers."""
    yield TensorSpec("token_embd", (shape.vocabulary, shape.width))
    yield TensorSpec(LAST_NORMS.get(shape.architecture, "output_norm"), (shape.width,), "ones")
    if not shape.tied:
        yield TensorSpec("output", (shape.vocabulary, shape.width))
    for layer in range(shape.layers):
        for tensor in _list_layer_tensors(shape, layer):
            yield replace(tensor, layer=layer)


def _list_layer_tensors(shape: Shape, layer: int) -> Iterator[TensorSpec]:
    yield TensorSpec("attn_norm", (shape.width,), "ones")
    if shape.state:
        yield from _list_state_space_tensors(shape)
        return
    yield from (
        _list_attention_tensors(shape)
        if shape.has_attention(layer)
        else _list_convolution_tensors(shape)
    )
    yield TensorSpec("ffn_norm", (shape.width,), "ones")
    yield from _list_expert_tensors(shape) if shape.experts else _list_feed_forward_tensors(shape)


def _list_attention_tensors(shape: Shape) -> Iterator[TensorSpec]:
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    yield TensorSpec("attn_q", (queries, shape.width))
    yield TensorSpec("attn_k", (keys, shape.width))
    yield TensorSpec("attn_v", (keys, shape.width))
    yield TensorSpec("attn_output", (shape.width, queries))
    if shape.head_norm:
        whole = shape.head_norm == "whole"
        yield TensorSpec("attn_q_norm", (queries if whole else shape.head,), "ones")
        yield TensorSpec("attn_k_norm", (keys if whole else shape.head,), "ones")


def _list_convolution_tensors(shape: Shape) -> Iterator[TensorSpec]:
    yield TensorSpec("shortconv.in_proj", (3 * shape.width, shape.width))
    yield TensorSpec("shortconv.conv", (shape.width, shape.convolution), "full")
    yield TensorSpec("shortconv.out_proj", (shape.width, shape.width))


def _list_feed_forward_tensors(shape: Shape) -> Iterator[TensorSpec]:
    yield TensorSpec("ffn_gate", (shape.inner, shape.width))
    yield TensorSpec("ffn_up", (shape.inner, shape.width))
    yield TensorSpec("ffn_down", (shape.width, shape.inner))


def _list_expert_tensors(shape: Shape) -> Iterator[TensorSpec]:
    yield TensorSpec("ffn_gate_inp", (shape.experts, shape.width), "full")
    yield TensorSpec("ffn_gate_exps", (shape.experts, shape.inner, shape.width))
    yield TensorSpec("ffn_up_exps", (shape.experts, shape.inner, shape.width))
    yield TensorSpec("ffn_down_exps", (shape.experts, shape.width, shape.inner))


def _list_state_space_tensors(shape: Shape) -> Iterator[TensorSpec]:
    inner, step, state = shape.inner, shape.time_step, shape.state
    yield TensorSpec("ssm_in", (2 * inner, shape.width))
    yield TensorSpec("ssm_conv1d", (inner, shape.convolution), "full")
    yield TensorSpec("ssm_conv1d.bias", (inner,), "full")
    yield TensorSpec("ssm_x", (step + 2 * state, inner))
    yield TensorSpec("ssm_dt", (inner, step), "full")
    yield TensorSpec("ssm_dt.bias", (inner,), "full")
    yield TensorSpec("ssm_a", (inner, state), "decay")
    yield TensorSpec("ssm_d", (inner,), "ones")
    yield TensorSpec("ssm_out", (shape.width, inner))

"""The shape of a model as data, and the list of its tensors under llama.cpp's names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

Kind = Literal["matrix", "full", "ones", "decay"]
"""Kind of a tensor's values: random and quantized; random in float32; ones; decay of a state."""


LAST_NORMS = {"lfm2": "token_embd_norm"}
"""Name of the last norm by architecture, where it is not `output_norm`."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, size (rows before columns) and kind of one tensor, without its values."""

    part: str
    size: tuple[int, ...]
    kind: Kind = "matrix"
    layer: int = -1
    """Number of the tensor's layer; -1 if it belongs to no layer."""

    @property
    def name(self) -> str:
        """The tensor's name in llama.cpp."""
        where = f"blk.{self.layer}." if self.layer >= 0 else ""
        plain = self.part.endswith(".bias") or self.part in ("ssm_a", "ssm_d")
        return f"{where}{self.part}" if plain else f"{where}{self.part}.weight"


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions of a published model, from its config.json; shapes.toml explains the fields."""

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
    """Numbers of the layers with attention; None for all layers."""
    convolution: int = 0
    """Number of positions that a convolution covers; 0 without convolutions."""
    state: int = 0
    time_step: int = 0

    def has_attention(self, layer: int) -> bool:
        """Return whether this layer has attention."""
        return self.attention is None or layer in self.attention

    def keep_first_layers(self, layers: int) -> Shape:
        """Return the shape with only its first `layers` layers, which its name then states."""
        if layers >= self.layers:
            return self
        return replace(self, layers=layers, name=f"{self.name}-{layers}-of-{self.layers}-layers")


def read_shapes() -> dict[str, Shape]:
    """Return all shapes of shapes.toml by name."""
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
    """Yield the specification of every tensor of the model, layer by layer."""
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

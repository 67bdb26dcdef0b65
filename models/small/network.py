"""The base as a PyTorch model with low-rank adapters on the matrices of every layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

MATRICES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""Matrices of a layer: llama.cpp's name and transformers'."""
_NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
_WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
}


class LoraLinear(nn.Module):
    """A frozen matrix plus a product of two small ones that are learnt."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.linear = linear
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        low = x @ self.a.T.to(x.dtype)
        added: Tensor = low @ self.b.T.to(x.dtype) * self.scale
        return torch.add(self.linear(x), added)


def read_base(path: Path) -> LlamaForCausalLM:
    """The base model in float32, dequantised."""
    reader = gguf.GGUFReader(path)
    config = _read_config(reader)
    weights: dict[str, Tensor] = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        name = transformers_name(tensor.name)
        for part, count in count_heads(config).items():
            if f".{part}." in tensor.name:
                values = split_rotary(values, count)
        weights[name] = torch.tensor(np.asarray(values, np.float32))
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model = LlamaForCausalLM(config)
    model.load_state_dict(weights)
    return model


def transformers_name(name: str) -> str:
    """`model.layers.3.mlp.up_proj.weight` of `blk.3.ffn_up.weight`."""
    if name in _WHOLE:
        return _WHOLE[name]
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{(MATRICES | _NORMS)[part]}.weight"


def split_rotary(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key matrix in transformers' order; llama.cpp's puts pairs side by side."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def join_rotary(rows: np.ndarray, heads: int) -> np.ndarray:
    """The inverse of `split_rotary`."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def count_heads(config: LlamaConfig) -> dict[str, int]:
    """Heads of the matrices whose rows llama.cpp has in another order."""
    keys = config.num_key_value_heads
    assert keys is not None
    return {"attn_q": config.num_attention_heads, "attn_k": keys}


def add_adapters(model: LlamaForCausalLM, rank: int, alpha: float) -> None:
    """Freeze all weights, as bfloat16, and put an adapter beside each matrix, in float32."""
    model.requires_grad_(False)
    nn.Module.to(model, torch.bfloat16)
    for layer in model.model.layers:
        for path in MATRICES.values():
            room, _, name = path.partition(".")
            owner = getattr(layer, room)
            setattr(owner, name, LoraLinear(getattr(owner, name), rank, alpha))


def list_adapters(model: LlamaForCausalLM) -> Iterator[tuple[str, LoraLinear]]:
    """Each adapter with llama.cpp's name of its matrix, e.g. `blk.3.ffn_up.weight`."""
    for number, layer in enumerate(model.model.layers):
        for name, path in MATRICES.items():
            room, _, part = path.partition(".")
            yield f"blk.{number}.{name}.weight", getattr(getattr(layer, room), part)


def _read_config(reader: gguf.GGUFReader) -> LlamaConfig:
    def value(key: str) -> float:
        return float(reader.fields[f"llama.{key}"].contents())

    config = LlamaConfig(
        vocab_size=int(value("vocab_size")),
        hidden_size=int(value("embedding_length")),
        intermediate_size=int(value("feed_forward_length")),
        num_hidden_layers=int(value("block_count")),
        num_attention_heads=int(value("attention.head_count")),
        num_key_value_heads=int(value("attention.head_count_kv")),
        rms_norm_eps=value("attention.layer_norm_rms_epsilon"),
        max_position_embeddings=int(value("context_length")),
        rope_parameters={"rope_type": "default", "rope_theta": value("rope.freq_base")},
        tie_word_embeddings=True,
        use_cache=False,
    )
    config._attn_implementation = "sdpa"
    return config

"""Reads the base's GGUF, dequantised, into the network that is trained."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch
from torch import Tensor

from models.small.network import Network, Shape


def read_base(path: Path, rank: int, alpha: float) -> Network:
    """The base with fresh adapters of this rank, scaled by `alpha / rank`."""
    reader = gguf.GGUFReader(path)
    shape = read_shape(reader)
    weights: dict[str, Tensor] = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        for part, count in count_heads(shape).items():
            if f".{part}." in tensor.name:
                values = split_rotary(values, count)
        weights[tensor.name] = torch.tensor(np.asarray(values, np.float32))
    return Network(weights, shape, rank, alpha)


def read_shape(reader: gguf.GGUFReader) -> Shape:
    """The sizes in a GGUF's metadata."""

    def value(key: str) -> float:
        return float(reader.fields[f"llama.{key}"].contents())

    return Shape(
        layers=int(value("block_count")),
        hidden=int(value("embedding_length")),
        heads=int(value("attention.head_count")),
        kv_heads=int(value("attention.head_count_kv")),
        epsilon=value("attention.layer_norm_rms_epsilon"),
        rope_base=value("rope.freq_base"),
    )


def count_heads(shape: Shape) -> dict[str, int]:
    """Heads of the matrices whose rows llama.cpp has in another order."""
    return {"attn_q": shape.heads, "attn_k": shape.kv_heads}


def split_rotary(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key matrix with each head's pairs in two halves, as the network rotates.

    llama.cpp's files have the two rows of a pair next to each other.
    """
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def join_rotary(rows: np.ndarray, heads: int) -> np.ndarray:
    """The inverse of `split_rotary`."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)

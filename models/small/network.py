"""The base, a Llama model, in PyTorch, with low-rank adapters on the matrices of every layer.

Written for training on a processor: texts of a step are laid end to end in one row of tokens, so
that nothing is padded, attention stays inside each text, and the loss never holds the logits of all
tokens at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from models.small.kernels import Gate, HeadLoss, apply, attend, normalize, rotate, rotation_table

MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""Matrices of a layer, by llama.cpp's names."""
FUSED = (MATRICES[:3], MATRICES[3:4], MATRICES[4:6], MATRICES[6:])
"""Those that have the same input."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Llama model."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    epsilon: float
    """Of the root mean square norms."""
    rope_base: float

    @property
    def head_size(self) -> int:
        """Values of one head."""
        return self.hidden // self.heads


class LoraLinear(nn.Module):
    """The adapter of a frozen matrix (outputs, inputs): a product of two small ones.

    `a` is (rank, inputs) and `b` (outputs, rank); the adapted matrix is `weight + scale * b @ a`.
    """

    def __init__(self, outputs: int, inputs: int, rank: int, alpha: float) -> None:
        super().__init__()
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
        self.b = nn.Parameter(torch.zeros(outputs, rank))


class FusedLinear(nn.Module):
    """Matrices with the same input as one product, each with its adapter."""

    weight: Tensor

    def __init__(self, weights: Sequence[Tensor], rank: int, alpha: float) -> None:
        super().__init__()
        self.register_buffer("weight", torch.cat(list(weights)).to(torch.bfloat16))
        self.adapters = nn.ModuleList(
            LoraLinear(each.shape[0], each.shape[1], rank, alpha) for each in weights
        )

    @property
    def loras(self) -> list[LoraLinear]:
        """The adapters in the order of the matrices."""
        return [lora for lora in self.adapters if isinstance(lora, LoraLinear)]

    def forward(self, x: Tensor) -> Tensor:
        """The outputs (tokens, sum of outputs) for x (tokens, inputs)."""
        a = torch.cat([lora.a for lora in self.loras]).to(x.dtype)
        blocks = [lora.b * lora.scale for lora in self.loras]
        b = cast(Tensor, cast(Any, torch.block_diag)(*blocks)).to(x.dtype)
        return (x @ self.weight.T).addmm_(x @ a.T, b.T)


class Layer(nn.Module):
    """Attention and a gated feed-forward network, each behind a root mean square norm."""

    attn_norm: Tensor
    ffn_norm: Tensor

    def __init__(self, weights: dict[str, Tensor], shape: Shape, rank: int, alpha: float) -> None:
        """`weights` has the layer's tensors by llama.cpp's names, e.g. `ffn_up`."""
        super().__init__()
        self._shape = shape
        for name in ("attn_norm", "ffn_norm"):
            self.register_buffer(name, weights[name].to(torch.bfloat16))
        self.fused = nn.ModuleList(
            FusedLinear([weights[name] for name in names], rank, alpha) for names in FUSED
        )

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], lengths: Sequence[int]) -> Tensor:
        """The next hidden states (tokens, hidden) of texts of these lengths, end to end."""
        attention_in, attention_out, gate_up, down = self.fused
        shape = self._shape
        size = shape.head_size
        rotated = (shape.heads + shape.kv_heads) * size
        y = attention_in(normalize(x, self.attn_norm, shape.epsilon))
        qk, v = torch.split(y, [rotated, shape.kv_heads * size], 1)
        qk = rotate(qk.reshape(-1, shape.heads + shape.kv_heads, size), *rotation)
        texts = zip(*(torch.split(each, list(lengths)) for each in (qk, v)), strict=True)
        mixed = torch.cat([attend(qk, v, shape.heads) for qk, v in texts])
        x = x + attention_out(mixed)
        y = gate_up(normalize(x, self.ffn_norm, shape.epsilon))
        return x + cast(Tensor, down(apply(Gate, y)))


class Network(nn.Module):
    """The base with frozen weights in bfloat16 and adapters in float32."""

    embedding: Tensor
    norm: Tensor

    def __init__(self, weights: dict[str, Tensor], shape: Shape, rank: int, alpha: float) -> None:
        """`weights` has the tensors by llama.cpp's names, rows of q and k in halves."""
        super().__init__()
        self.shape = shape
        self.register_buffer("embedding", weights["token_embd.weight"].to(torch.bfloat16))
        self.register_buffer("norm", weights["output_norm.weight"].to(torch.bfloat16))
        self.layers = nn.ModuleList()
        for number in range(shape.layers):
            own = {
                name.split(".")[2]: values
                for name, values in weights.items()
                if name.startswith(f"blk.{number}.")
            }
            self.layers.append(Layer(own, shape, rank, alpha))

    def forward(self, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Hidden states (tokens, hidden) of texts that lie end to end in `ids` (tokens,)."""
        positions = torch.cat([torch.arange(length, device=ids.device) for length in lengths])
        size, base = self.shape.head_size, self.shape.rope_base
        rotation = tuple(
            part[positions] for part in rotation_table(size, base, max(lengths), ids.device)
        )
        x = self.embedding[ids]
        for layer in self.layers:
            x = layer(x, rotation, lengths)
        return normalize(x, self.norm, self.shape.epsilon)

    def compute_loss(self, ids: Tensor, learnt: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mean cross-entropy of the tokens that are `learnt`, each from those before it."""
        hidden = self(ids, lengths)
        targets = learnt.nonzero().squeeze(1)
        return apply(HeadLoss, hidden[targets - 1], self.embedding, ids[targets])


def list_adapters(model: Network) -> Iterator[tuple[str, LoraLinear]]:
    """Each adapter with llama.cpp's name of its matrix, e.g. `blk.3.ffn_up.weight`."""
    for number, layer in enumerate(model.layers):
        assert isinstance(layer, Layer)
        for names, fused in zip(FUSED, layer.fused, strict=True):
            assert isinstance(fused, FusedLinear)
            for name, lora in zip(names, fused.loras, strict=True):
                yield f"blk.{number}.{name}.weight", lora

"""rm-nano: a Qwen3-shaped transformer small enough to be trained on a laptop.

Each block: RMS norm, attention with normalized heads and rotary positions (halves rotated, as
llama.cpp does for Qwen3), RMS norm, gated feed-forward. Embeddings are tied.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

EPSILON = 1e-6
ROPE_BASE = 10_000.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions of the model."""

    vocabulary: int = 1536
    width: int = 256
    layers: int = 6
    heads: int = 4
    hidden: int = 640
    context: int = 2048

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    def asdict(self) -> dict[str, int]:
        """Return the fields by name, for the checkpoint."""
        return asdict(self)


class Block(nn.Module):
    """One layer of the transformer; states (batch, time, width) in and out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attn_norm = nn.RMSNorm(shape.width, eps=EPSILON)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.q_norm = nn.RMSNorm(shape.head, eps=EPSILON)
        self.k_norm = nn.RMSNorm(shape.head, eps=EPSILON)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, eps=EPSILON)
        self.gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        batch, time, width = x.shape
        qkv = self.qkv(self.attn_norm(x)).view(batch, time, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (batch, heads, time, head)
        q = rotate_heads(self.q_norm(q), rotation).to(v.dtype)
        k = rotate_heads(self.k_norm(k), rotation).to(v.dtype)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, time, width))
        gate, up = self.gate_up(self.ffn_norm(x)).chunk(2, -1)
        return x + cast("Tensor", self.down(F.silu(gate) * up))


class Nano(nn.Module):
    """The whole model: tokens (batch, time) to logits (batch, time, vocabulary)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=EPSILON)

    @property
    def layers(self) -> list[Block]:
        """The blocks in order."""
        return [cast("Block", block) for block in self.blocks]

    def compute_hidden_states(self, tokens: Tensor) -> Tensor:
        """Return the normalized states after the last block, (batch, time, width)."""
        rotation = compute_rotations(tokens.shape[1], self.shape.head, tokens.device)
        x = self.embedding(tokens)
        for block in self.layers:
            x = block(x, rotation)
        return cast("Tensor", self.norm(x))

    def compute_logits(self, hidden: Tensor) -> Tensor:
        """Return the logits of the next token for states (..., width)."""
        return F.linear(hidden, self.embedding.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.compute_logits(self.compute_hidden_states(tokens))


def compute_rotations(time: int, head: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the rotary positions, each (time, head / 2)."""
    frequencies = ROPE_BASE ** (-torch.arange(0, head, 2, device=device) / head)
    angles = torch.outer(torch.arange(time, device=device), frequencies)
    return angles.cos(), angles.sin()


def rotate_heads(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Return the heads (..., time, head) rotated by their positions."""
    cos, sin = rotation
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

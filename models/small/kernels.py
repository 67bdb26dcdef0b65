"""Attention, loss and element-wise steps of the network, fast on a processor."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

LOSS_ROWS = 256
"""Tokens whose logits are held at once: 50 MB at 49,152 words."""


Steps = TypeVar("Steps", bound=Callable[..., Any])


compiles = False
"""Whether element-wise steps are compiled; training sets it. A compilation takes a minute."""


def fuse(steps: Steps) -> Steps:
    """Let element-wise steps, and their gradients, be one loop over the values when compiled."""

    # Not at import: the first call of torch.compile imports the compiler, which takes 5 s.
    @cache
    def compiled() -> Callable[..., Any]:
        return torch.compile(steps)

    @wraps(steps)
    def call(*inputs: Any) -> Any:
        return (compiled() if compiles else steps)(*inputs)

    return cast(Steps, call)


def apply(function: type[torch.autograd.Function], *inputs: Tensor) -> Tensor:
    """The output of a function with a gradient of its own."""
    return cast(Tensor, cast(Any, function).apply(*inputs))


class HeadLoss(torch.autograd.Function):
    """Mean cross-entropy of the output head, some rows at a time, with its gradient at once."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
        gradient = torch.empty_like(hidden)
        total = hidden.new_zeros((), dtype=torch.float32)
        for at in range(0, len(targets), LOSS_ROWS):
            rows, wanted = hidden[at : at + LOSS_ROWS], targets[at : at + LOSS_ROWS, None]
            logprobs = torch.log_softmax((rows @ head.T).float(), 1)
            total -= logprobs.gather(1, wanted).sum()
            errors = logprobs.exp_()
            errors.scatter_add_(1, wanted, errors.new_full(wanted.shape, -1.0))
            gradient[at : at + LOSS_ROWS] = errors.to(head.dtype) @ head
        ctx.save_for_backward(gradient.div_(len(targets)))
        return total / len(targets)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0].to(gradient.dtype), None, None


def attend(qk: Tensor, v: Tensor, heads: int) -> Tensor:
    """Causal attention of one text: (tokens, heads * size).

    qk is (tokens, heads + kv heads, size), queries first; v is (tokens, kv heads * size). Plain
    products are two to three times as fast as PyTorch's own attention on a processor, whose way
    back is slow at this length.
    """
    tokens, _, size = qk.shape
    q, k = qk[:, :heads], qk[:, heads:]
    groups = k.shape[1]
    shared = heads // groups
    rows = q.view(tokens, groups, shared, size).permute(1, 2, 0, 3).reshape(groups, -1, size)
    mask = causal_mask(tokens, shared, q.device, q.dtype)
    scores = torch.baddbmm(
        mask.expand(groups, -1, -1), rows, k.permute(1, 2, 0), alpha=1 / size**0.5
    )
    mixed = torch.bmm(torch.softmax(scores, 2), v.view(tokens, groups, size).transpose(0, 1))
    return mixed.view(groups, shared, tokens, size).permute(2, 0, 1, 3).reshape(tokens, -1)


@cache
def causal_mask(tokens: int, shared: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """0 for what a token may attend to, else -inf: (1, shared * tokens, tokens)."""
    mask = torch.full((tokens, tokens), float("-inf"), device=device, dtype=dtype).triu(1)
    return mask.repeat(shared, 1)[None]


@cache
def rotation_table(
    size: int, base: float, positions: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines (positions, 1, size) of rotary embeddings, in bfloat16."""
    frequencies = base ** -(torch.arange(0, size, 2) / size)
    angles = torch.outer(torch.arange(positions), frequencies)
    cosines, sines = angles.cos(), angles.sin()
    first, second = torch.cat((cosines, cosines), 1), torch.cat((-sines, sines), 1)
    return (
        first.to(torch.bfloat16)[:, None].to(device),
        second.to(torch.bfloat16)[:, None].to(device),
    )


@fuse
def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotary embeddings of x (tokens, heads, size), whose halves hold the pairs."""
    return x * cosines + x.roll(x.shape[2] // 2, 2) * sines


@fuse
def normalize(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Root mean square norm of x (tokens, hidden)."""
    wide = x.float()
    scale = torch.rsqrt(wide.square().mean(1, keepdim=True) + epsilon)
    return (wide * scale * weight.float()).to(x.dtype)


class Gate(torch.autograd.Function):
    """SwiGLU of x (tokens, 2 * inner), gates first. Its own way back, as a compiled one is slow."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return multiply_gates(*x.chunk(2, 1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gates, values = ctx.saved_tensors[0].chunk(2, 1)
        return torch.cat(differentiate_gates(gates, values, gradients[0]), 1)


@fuse
def multiply_gates(gates: Tensor, values: Tensor) -> Tensor:
    """`values` times the SiLU of `gates`."""
    return (F.silu(gates.float()) * values.float()).to(gates.dtype)


@fuse
def differentiate_gates(gates: Tensor, values: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of gates and values from that of `multiply_gates`."""
    g, wide = gates.float(), gradient.float()
    sigmoid = torch.sigmoid(g)
    gated = wide * values.float() * sigmoid * (1 + g * (1 - sigmoid))
    return gated.to(gates.dtype), (wide * g * sigmoid).to(gates.dtype)

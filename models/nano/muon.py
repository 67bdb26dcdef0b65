"""The optimizer Muon: momentum with orthogonalized updates, for matrices (Jordan 2024)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of a quintic Newton-Schulz iteration that moves singular values towards 1."""


def orthogonalize_update(update: Tensor, steps: int = 5) -> Tensor:
    """Return approximately the nearest semi-orthogonal matrix of an (out, in) matrix."""
    a, b, c = COEFFICIENTS
    x = update.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    oriented: Tensor = x.T if tall else x
    return oriented


class Muon(torch.optim.Optimizer):
    """Optimizer of matrices: Nesterov momentum, orthogonalized and scaled by the matrix's shape."""

    def __init__(
        self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                buffer = state.setdefault("momentum", torch.zeros_like(p))
                buffer.mul_(group["momentum"]).add_(p.grad)
                update = orthogonalize_update(p.grad.add(buffer, alpha=group["momentum"]))
                scale = max(1.0, p.size(0) / p.size(1)) ** 0.5
                p.mul_(1 - group["lr"] * group["decay"]).add_(
                    update.to(p.dtype), alpha=-group["lr"] * scale
                )

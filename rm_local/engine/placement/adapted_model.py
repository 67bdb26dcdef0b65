"""Sizes of a model together with its LoRA adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rm_local.engine.placement.requirements import ModelSizes
from rm_local.gguf import LoraFile, ModelShape


@dataclass(frozen=True, slots=True)
class AdaptedModel:
    """A model's sizes, the adapters' bytes added: llama.cpp keeps both, each where its layer is."""

    model: ModelSizes
    adapters: Sequence[LoraFile]

    @property
    def weights(self) -> int:
        """Bytes of weights."""
        return self.model.weights + sum(adapter.weights for adapter in self.adapters)

    @property
    def layered(self) -> int:
        """Those of them that belong to a layer."""
        return self.model.layered + sum(adapter.layered for adapter in self.adapters)

    @property
    def context(self) -> int:
        """Tokens that it was trained on at once; 0 where it does not tell."""
        return self.model.context

    @property
    def shape(self) -> ModelShape:
        """Its layers and widths, which adapters do not change."""
        return self.model.shape

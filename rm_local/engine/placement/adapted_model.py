"""Sizes of a model together with its LoRA adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rm_local.engine.placement.requirements import ModelSizes
from rm_local.gguf import LoraFile, ModelShape


@dataclass(frozen=True, slots=True)
class AdaptedModel:
    """A model's sizes plus the adapters' bytes: llama.cpp keeps both, on the layer's device."""

    model: ModelSizes
    adapters: Sequence[LoraFile]

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights."""
        return self.model.weight_bytes + sum(adapter.weight_bytes for adapter in self.adapters)

    @property
    def layer_bytes(self) -> int:
        """Bytes of the weights that belong to a layer."""
        return self.model.layer_bytes + sum(adapter.layer_bytes for adapter in self.adapters)

    @property
    def context(self) -> int:
        """Context length that it was trained for, in tokens; 0 if it is not stated."""
        return self.model.context

    @property
    def shape(self) -> ModelShape:
        """Its layers and widths, which adapters do not change."""
        return self.model.shape

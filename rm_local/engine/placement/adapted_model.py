"""The sizes of a model together with its LoRA adapters, for memory estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rm_local.engine.placement.requirements import ModelSizes
from rm_local.gguf import LoraHeader, ModelShape


@dataclass(frozen=True, slots=True)
class AdaptedModelSizes:
    """The sizes of a model with its LoRA adapters; llama.cpp keeps both on the layer's device."""

    model: ModelSizes
    adapters: Sequence[LoraHeader]

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights and of the adapters."""
        return self.model.weight_bytes + sum(adapter.weight_bytes for adapter in self.adapters)

    @property
    def total_layer_bytes(self) -> int:
        """Bytes of the weights, of model and adapters, that belong to a layer."""
        return self.model.total_layer_bytes + sum(
            adapter.total_layer_bytes for adapter in self.adapters
        )

    @property
    def trained_context(self) -> int:
        """Context length in training, in tokens; 0 if the file does not state it."""
        return self.model.trained_context

    @property
    def shape(self) -> ModelShape:
        """The model's numbers of layers and widths; adapters do not change them."""
        return self.model.shape

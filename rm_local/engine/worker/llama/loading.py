"""Loads a model: checks its files, plans its placement, and falls back if memory is short."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import llama_cpp

from rm_local.engine import context_policy, protocol
from rm_local.engine.placement import offload, requirements
from rm_local.engine.placement.adapted_model import AdaptedModelSizes
from rm_local.engine.placement.offload import Placement, PlacementRequest
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.devices import list_devices
from rm_local.engine.worker.llama.kv_cache import KVCache
from rm_local.engine.worker.llama.model import Model
from rm_local.engine.worker.llama.thread_controller import ThreadController
from rm_local.engine.worker.templates.render_client import Renderer
from rm_local.errors import ContextAllocationError, EngineError, InvalidModelError, ModelLoadError
from rm_local.gguf import (
    GgufFiles,
    check_file_complete,
    check_is_text_model,
    hash_adapter_file,
    read_and_check_adapter_headers,
    read_header,
    read_headers_of_existing_parts,
)
from rm_local.lora import LoraAdapter
from rm_local.options import EngineOptions
from rm_local.system import measure_free_memory

Weights = TypeVar("Weights")
Context = TypeVar("Context")


class LoadPlan:
    """How a model is to be loaded on this machine: checked files, context length, placement.

    It is made before memory is allocated, and is also used to enlarge the context.
    """

    def __init__(
        self, path: Path, options: EngineOptions, lora: Sequence[LoraAdapter] = ()
    ) -> None:
        """Read the headers of the model and of the adapters, and plan context and placement.

        Raises:
            ModelNotFoundError: A file does not exist.
            InvalidModelError: A file is damaged, or not a text generation model.
            InsufficientMemoryError: There is not enough memory.
        """
        self.files = _read_and_check_headers(path)
        self.adapters = read_and_check_adapter_headers(lora, path, self.files)
        self._sizes = AdaptedModelSizes(self.files, self.adapters)
        offloads = llama_cpp.llama_supports_gpu_offload()
        self._devices = (
            offload.select_discrete_gpus_or_one_integrated(list_devices()) if offloads else ()
        )
        self._checks_memory = options.check_memory
        self.options = options
        self.context_overflow = options.context_overflow
        asked = PlacementRequest.from_options(options, options.context)
        free = self._measure_free_memory_if_checked()
        chosen = options.context or offload.choose_fitting_or_default_context(
            self._sizes, self._devices, asked, free
        )
        self.asked = replace(asked, context=chosen)
        self.first = offload.plan_placement(self._sizes, self._devices, self.asked)
        """The placement to try first; fallbacks follow if memory is short."""
        self._smaller_context = "" if options.context else self._describe_context_if_smaller(chosen)
        name = str(self.files.header.metadata.get("general.name") or path.stem)
        offload.check_fits_memory(self._sizes, self._devices, self.asked, free, name)

    def choose_larger_context(self, context: int, tokens: int) -> int:
        """Choose a context length above `context`, with room for branches after `tokens` tokens.

        Raises:
            EngineError: The model was not trained for it, or there is not enough memory.
        """
        trained = self.files.trained_context
        if not (larger := context_policy.compute_larger_context_or_zero(context, tokens, trained)):
            raise EngineError(f"the model was trained for {trained:,} tokens.")
        asked = replace(self.asked, context=context)
        offload.check_growth_fits_memory(
            self._sizes, self._devices, asked, larger, self._measure_free_memory_if_checked()
        )
        return larger

    def list_placement_notes(self, placement: Placement) -> tuple[str, ...]:
        """List sentences for the user about a smaller context, or fewer layers on devices.

        `placement`: the placement that is used.
        """
        fewer = placement.layers < self.first.layers
        lowered = (
            f"There was not enough memory for {self.first.layers} layers on the device: "
            f"{placement.layers} are on it."
        )
        return tuple(filter(None, (self._smaller_context, lowered if fewer else "")))

    def _measure_free_memory_if_checked(self) -> int | None:
        """Return the free bytes of main memory; None if unknown, or if the check is disabled."""
        return measure_free_memory() if self._checks_memory else None

    def _describe_context_if_smaller(self, context: int) -> str:
        """Return a sentence if `context` is below the default context; otherwise empty."""
        usual = requirements.choose_asked_or_default_context(self._sizes)
        if context >= usual:
            return ""
        return f"The memory that is free holds a context of {context:,} tokens, not {usual:,}."


def load_model_and_create_cache(
    request: protocol.Load,
    on_progress: Callable[[float], None],
    inbox: Inbox,
    renderer: Renderer,
) -> tuple[Model, KVCache, LoadPlan]:
    """Load a model and create its KV cache, with as many layers on devices as fit.

    Raises:
        ModelNotFoundError, InvalidModelError: The file or an adapter is missing or damaged, or an
            adapter does not fit the model.
        SettingsError: A file of the user's templates is invalid.
        InsufficientMemoryError, ContextAllocationError: There is not enough memory.
        CancelledByUserError: The request was cancelled.
    """
    options = request.options
    plan = LoadPlan(Path(request.model), options, request.lora)
    loaded = tuple(_hash_and_check_adapter(adapter) for adapter in request.lora)

    def load_weights(placement: Placement) -> Model:
        placed = replace(options, context=plan.asked.context, gpu_layers=placement.layers)
        asked = replace(request, options=placed, lora=loaded)
        header = plan.files.header
        return Model.load_file(asked, header, plan.adapters, on_progress, inbox, renderer)

    def create_context(model: Model, placement: Placement) -> KVCache:
        adapts = not options.threads and not placement.layers
        controller = ThreadController(model.threads) if adapts else None
        flash = options.flash_attention
        return KVCache(model, inbox, placement, plan.asked, flash, controller=controller)

    return *load_with_fallback_placements(
        plan.first, load_weights, create_context, Model.close
    ), plan


def load_with_fallback_placements(
    first: Placement,
    load_weights: Callable[[Placement], Weights],
    create_context: Callable[[Weights, Placement], Context],
    free_weights: Callable[[Weights], Any],
) -> tuple[Weights, Context]:
    """Load weights and create a context, with `first` or the next fallback that fits into memory.

    If memory is short, `load_weights` raises ModelLoadError and `create_context` raises
    ContextAllocationError. Weights are not loaded again if only the context changes.

    Raises:
        ModelLoadError, ContextAllocationError: The last error, after all fallbacks have failed.
    """
    placement, weights = first, None
    while True:
        failed: offload.Failed = "weights"
        try:
            weights = weights or load_weights(placement)
            failed = "context"
            return weights, create_context(weights, placement)
        except (ModelLoadError, ContextAllocationError) as error:
            lower = offload.choose_fallback(placement, failed)
            if weights is not None and (lower is None or lower.layers != placement.layers):
                free_weights(weights)
                weights = None
            if lower is None:
                raise
            print(f"{error.message} Trying {lower}.", file=sys.stderr, flush=True)
            placement = lower


def _read_and_check_headers(path: Path) -> GgufFiles:
    """Read the headers of a model's files; check that the first is a complete text model.

    Raises:
        InvalidModelError: The file is not a text generation model, or is cut short.
    """
    header = read_header(path)
    check_is_text_model(path, header)
    check_file_complete(path, header)
    return read_headers_of_existing_parts(path)


def _hash_and_check_adapter(adapter: LoraAdapter) -> LoraAdapter:
    """Return the adapter with the sha256 of its file.

    Raises:
        InvalidModelError: The file has another sha256 than `adapter` states: it was changed.
    """
    found = hash_adapter_file(Path(adapter.path))
    if adapter.sha256 not in ("", found):
        raise InvalidModelError(
            f"{adapter.path} has changed since rm-local was started.",
            "Start rm-local again to use the new file.",
        )
    return replace(adapter, sha256=found)

"""Loading: the file is checked, what goes where is decided, and less is tried when it fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import llama_cpp

from rm_local.engine import context_policy, protocol
from rm_local.engine.placement import offload, requirements
from rm_local.engine.placement.adapted_model import AdaptedModel
from rm_local.engine.placement.offload import Placement, PlacementRequest
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.devices import devices
from rm_local.engine.worker.llama.kv_cache import Cache
from rm_local.engine.worker.llama.model import Model
from rm_local.engine.worker.llama.thread_controller import ThreadController
from rm_local.engine.worker.templates.render_client import Renderer
from rm_local.errors import EngineError, ModelInvalid, ModelRefused, NoRoom
from rm_local.gguf import (
    GgufFiles,
    check_generates,
    check_whole,
    hash_file,
    read_files,
    read_fitting_lora,
    read_header,
)
from rm_local.lora import LoraAdapter
from rm_local.options import EngineOptions
from rm_local.system import free_memory

Weights = TypeVar("Weights")
Context = TypeVar("Context")


class Plan:
    """What a model with these options needs on this machine, before anything is allocated."""

    def __init__(
        self, path: Path, options: EngineOptions, lora: Sequence[LoraAdapter] = ()
    ) -> None:
        """Raises ModelMissing, ModelInvalid, and MemoryShort where the memory does not do."""
        self.files = _checked(path)
        self.adapters = read_fitting_lora(lora, path, self.files)
        self._sizes = AdaptedModel(self.files, self.adapters)
        offloads = llama_cpp.llama_supports_gpu_offload()
        self._devices = offload.usable_devices(devices()) if offloads else ()
        self._check = options.check_memory
        self.options = options
        self.context_overflow = options.context_overflow
        asked = PlacementRequest.for_options(options, options.context)
        free = self._free()
        usual = options.context or offload.fitted_context(self._sizes, self._devices, asked, free)
        self.asked = replace(asked, context=usual)
        self.first = offload.place_layers(self._sizes, self._devices, self.asked)
        """What is tried first."""
        self._lowered = "" if options.context else self._smaller(usual)
        name = str(self.files.header.metadata.get("general.name") or path.stem)
        offload.check_fits(self._sizes, self._devices, self.asked, free, name)

    def enlarged(self, context: int, tokens: int) -> int:
        """A context larger than this one that leaves branches room behind so many tokens.

        EngineError when the model was not trained for it, or the memory does not do.
        """
        trained = self.files.context
        if not (larger := context_policy.enlarged(context, tokens, trained)):
            raise EngineError(f"the model was trained for {trained:,} tokens.")
        asked = replace(self.asked, context=context)
        offload.check_growth(self._sizes, self._devices, asked, larger, self._free())
        return larger

    def notes(self, placement: Placement) -> tuple[str, ...]:
        """What is not as it was asked for, or as it usually is."""
        fewer = placement.layers < self.first.layers
        lowered = (
            f"{self.first.layers} layers did not get their memory: {placement.layers} are on the "
            "device."
        )
        return tuple(filter(None, (self._lowered, lowered if fewer else "")))

    def _free(self) -> int | None:
        return free_memory() if self._check else None

    def _smaller(self, context: int) -> str:
        usual = requirements.default_context(self._sizes)
        if context >= usual:
            return ""
        return f"The memory that is free holds a context of {context:,} tokens, not {usual:,}."


def load(
    request: protocol.Load,
    on_progress: Callable[[float], None],
    inbox: Inbox,
    renderer: Renderer,
) -> tuple[Model, Cache, Plan]:
    """The model and its cache, with as much on the devices as they take.

    ModelMissing or ModelInvalid when the file or an adapter is not right; SettingsError when a file
    of the user's templates is not; MemoryShort; NoRoom; Stopped when cancelled.
    """
    options = request.options
    plan = Plan(Path(request.model), options, request.lora)
    loaded = tuple(_identify(adapter) for adapter in request.lora)

    def weights(placement: Placement) -> Model:
        placed = replace(options, context=plan.asked.context, gpu_layers=placement.layers)
        asked = replace(request, options=placed, lora=loaded)
        header = plan.files.header
        return Model.load(asked, header, plan.adapters, on_progress, inbox, renderer)

    def context(model: Model, placement: Placement) -> Cache:
        follows = not options.threads and not placement.layers
        controller = ThreadController(model.threads) if follows else None
        flash = options.flash_attention
        return Cache(model, inbox, placement, plan.asked, flash, controller=controller)

    return *settle(plan.first, weights, context, Model.close), plan


def settle(
    first: Placement,
    load: Callable[[Placement], Weights],
    open_: Callable[[Weights, Placement], Context],
    close: Callable[[Weights], Any],
) -> tuple[Weights, Context]:
    """Weights and context under the first placement for which both get their memory.

    Where they do not, `load` raises ModelRefused and `open_` NoRoom; the last error is raised when
    nothing is left to try. Weights stay loaded while only the context has to give way.
    """
    placement, weights = first, None
    while True:
        failed: offload.Failed = "weights"
        try:
            weights = weights or load(placement)
            failed = "context"
            return weights, open_(weights, placement)
        except (ModelRefused, NoRoom) as error:
            lower = offload.next_fallback(placement, failed)
            if weights is not None and (lower is None or lower.layers != placement.layers):
                close(weights)
                weights = None
            if lower is None:
                raise
            print(f"{error.message} Trying {lower}.", file=sys.stderr, flush=True)
            placement = lower


def _checked(path: Path) -> GgufFiles:
    """The model's files, of which the first is whole and writes text."""
    header = read_header(path)
    check_generates(path, header)
    check_whole(path, header)
    return read_files(path)


def _identify(adapter: LoraAdapter) -> LoraAdapter:
    """The adapter with the hash of its file. ModelInvalid if another was expected."""
    found = hash_file(Path(adapter.path))
    if adapter.sha256 not in ("", found):
        raise ModelInvalid(
            f"{adapter.path} has changed since rm-local was started.",
            "Start rm-local again to use the new file.",
        )
    return replace(adapter, sha256=found)

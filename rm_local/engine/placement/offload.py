"""Plans how many layers of a model go on graphics devices, and which context fits into memory.

Layers are put on graphics devices only, never on the device "CPU". llama.cpp puts the output on
them first, then the last layers, and divides them among several devices by free memory; so does
the estimate here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from rm_local.engine.placement import requirements
from rm_local.engine.placement.requirements import BATCH_CPU, BATCH_GPU, ModelSizes
from rm_local.errors import InsufficientMemoryError
from rm_local.options import EngineOptions, Precision
from rm_local.units import format_bytes

SPARE = 512 << 20
"""Bytes of a device's memory reserved for its driver, its kernels and the screen."""
LEAST_BATCH = 32
"""Smallest batch, in tokens, that a fallback uses."""
LEAST_CONTEXT = 2048
"""Smallest context in tokens to which a default context is reduced to fit into memory."""

Failed = Literal["weights", "context"]
"""The part of a model for which memory could not be allocated."""
DeviceKind = Literal["gpu", "igpu", "cpu", "other"]


@dataclass(frozen=True, slots=True)
class Device:
    """A device on which llama.cpp can compute, with its memory; the CPU is also one."""

    name: str
    about: str
    kind: DeviceKind
    free: int
    """Free memory in bytes."""
    total: int
    """All memory in bytes."""

    @property
    def has_only_main_memory(self) -> bool:
        """Whether the device uses main memory, and has no memory of its own."""
        return self.kind != "gpu" or self.name.startswith(("Metal", "MTL"))


@dataclass(frozen=True, slots=True)
class Placement:
    """How a model is loaded: layers on devices, batch size, and the place of keys and values."""

    layers: int
    """Number of layers on graphics devices; the output counts as one. 0 = all on the CPU."""
    batch: int
    """Maximum number of tokens in one decoding call."""
    cache_on_device: bool = True
    """Whether keys and values are stored on their layers' devices."""


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """The context length and the options on which a placement depends."""

    context: int
    """Context length in tokens."""
    kv: Precision = "f16"
    """Number format of the keys and values in the cache."""
    flash: bool = True
    """Whether flash attention is used."""
    layers: int = -1
    """Number of layers on devices; -1 = as many as fit."""

    @classmethod
    def from_options(cls, options: EngineOptions, context: int) -> PlacementRequest:
        """Build the request from the engine's options and a context length in tokens."""
        flash = options.flash_attention != "off"
        return cls(context, options.kv_cache_type, flash, options.gpu_layers)


def select_discrete_gpus_or_one_integrated(devices: Sequence[Device]) -> tuple[Device, ...]:
    """Select the devices for a model's layers: all graphics cards, or else one integrated."""
    cards = tuple(device for device in devices if device.kind == "gpu")
    return cards or tuple(device for device in devices if device.kind == "igpu")[:1]


def plan_placement(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest
) -> Placement:
    """Plan a placement with as many layers on `devices` as fit, or as `asked` demands."""
    count = len(model.shape.layers) + 1
    if not devices or asked.layers == 0:
        return Placement(0, BATCH_CPU, cache_on_device=False)
    if asked.layers > 0:
        return Placement(min(asked.layers, count), BATCH_GPU)
    free = [device.free for device in devices]
    layers = count_fitting_layers_and_output(model, free, asked)
    return Placement(layers, BATCH_GPU) if layers else Placement(0, BATCH_CPU, False)


def count_fitting_layers_and_output(
    model: ModelSizes, free: Sequence[int], asked: PlacementRequest
) -> int:
    """Return the largest number of layers that fit on devices, with their weights and cache.

    `free`: the free bytes of each device. The output counts as one more layer.
    """
    sizes = _list_layer_and_output_bytes(model, asked)
    room = [bytes_ - SPARE - _estimate_device_compute_bytes(model, asked) for bytes_ in free]
    for count in range(len(sizes) if model.shape.layers else 0, 0, -1):
        taken = [0] * len(free)
        for place_, size in zip(
            _list_device_index_per_layer(count, free), sizes[-count:], strict=True
        ):
            taken[place_] += size
        if all(size <= left for size, left in zip(taken, room, strict=True) if size):
            return count
    return 0


def choose_fallback(placement: Placement, failed: Failed) -> Placement | None:
    """Choose the next placement to try, after memory for `failed` could not be allocated.

    If it was the context: first a smaller batch, then the cache in main memory, then fewer layers
    on devices. Return None if there is no further fallback.
    """
    if failed == "context" and placement.batch > BATCH_CPU:
        return replace(placement, batch=BATCH_CPU)
    if failed == "context" and placement.layers and placement.cache_on_device:
        return replace(placement, cache_on_device=False)
    if placement.layers:
        layers = placement.layers * 3 // 4
        return Placement(layers, min(placement.batch, BATCH_CPU), cache_on_device=layers > 0)
    if failed == "context" and placement.batch > LEAST_BATCH:
        return replace(placement, batch=LEAST_BATCH)
    return None


def estimate_host_bytes(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, placement: Placement
) -> int:
    """Estimate the bytes of main memory that a model needs with this placement."""
    batch = min(placement.batch, BATCH_CPU)
    need = requirements.estimate_memory(
        model, asked.context, kv=asked.kv, flash=asked.flash, batch=batch
    )
    if not placement.layers or any(device.has_only_main_memory for device in devices):
        return need.total
    there = sum(
        _list_layer_and_output_bytes(model, asked, cache=placement.cache_on_device)[
            -placement.layers :
        ]
    )
    return need.total - min(there, need.weights + need.cache)


def check_fits_memory(
    model: ModelSizes,
    devices: Sequence[Device],
    asked: PlacementRequest,
    free: int | None,
    name: str,
) -> None:
    """Check that a model, placed as planned, fits into main memory.

    `free`: free bytes of main memory; None = unknown. `name`: the model's name for the message.

    Raises:
        InsufficientMemoryError: The model does not fit.
    """
    need = _estimate_planned_host_bytes(model, devices, asked)
    if free is None or need <= free:
        return
    required = requirements.estimate_memory(model, asked.context, kv=asked.kv, flash=asked.flash)
    raise InsufficientMemoryError(
        f"{name} needs {format_bytes(need)} of memory for a context of {required.context:,} tokens "
        f"(weights {format_bytes(required.weights)}, "
        f"{asked.kv} cache {format_bytes(required.cache)}, "
        f"computing {format_bytes(required.compute)}); {format_bytes(free)} are free.",
        _suggest_memory_remedy(model, devices, asked, free),
    )


def check_growth_fits_memory(
    model: ModelSizes,
    devices: Sequence[Device],
    asked: PlacementRequest,
    context: int,
    free: int | None,
) -> None:
    """Check that there is memory to enlarge the context from `asked.context` to `context` tokens.

    `free`: free bytes of main memory; None = unknown.

    Raises:
        InsufficientMemoryError: There is not enough memory.
    """
    larger = _estimate_planned_host_bytes(model, devices, replace(asked, context=context))
    more = larger - _estimate_planned_host_bytes(model, devices, asked)
    if free is not None and more > free:
        raise InsufficientMemoryError(
            f"{context:,} tokens need {format_bytes(more)} more memory; "
            f"{format_bytes(free)} are free.",
            "Close other programs.",
        )


def find_largest_context_in_memory_or_zero(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, free: int, top: int
) -> int:
    """Find the largest context, up to `top` tokens, that fits into `free` bytes; 0 if none does.

    Only main memory is considered.
    """

    def fits_context(context: int) -> bool:
        return _estimate_planned_host_bytes(model, devices, replace(asked, context=context)) <= free

    return requirements.find_largest_fitting_context_or_zero(fits_context, top)


def choose_fitting_or_default_context(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, free: int | None
) -> int:
    """Choose the context length if the user set none: the default, or a smaller one that fits.

    `free`: free bytes of main memory; None = unknown. If not even LEAST_CONTEXT fits, return the
    default; `check_fits_memory` then reports the error.
    """
    context = requirements.choose_asked_or_default_context(model)
    found = (
        context
        if free is None
        else find_largest_context_in_memory_or_zero(model, devices, asked, free, context)
    )
    return found if found >= LEAST_CONTEXT else context


def _estimate_planned_host_bytes(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest
) -> int:
    """Estimate the bytes of main memory for the placement that `plan_placement` plans."""
    return estimate_host_bytes(model, devices, asked, plan_placement(model, devices, asked))


def _suggest_memory_remedy(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, free: int
) -> str:
    """Return sentences for the user: how to load a model that does not fit into `free` bytes."""
    top = max(
        requirements.round_up_context(asked.context) - requirements.CONTEXT_STEP,
        requirements.CONTEXT_STEP,
    )
    top = min(top, model.trained_context or top)
    found = find_largest_context_in_memory_or_zero(model, devices, asked, free, top)
    ways = ["Close other programs, or take a smaller model."]
    if found:
        why = (
            "the context it was trained for"
            if found == model.trained_context
            else "the largest that fits"
        )
        ways = [f"Set `context = {found}`, {why}, or less."]
    can = asked.kv == "f16" and asked.flash
    packed = replace(asked, kv="q8_0")
    if (
        can
        and (more := find_largest_context_in_memory_or_zero(model, devices, packed, free, top))
        > found
    ):
        ways.append(f'With `kv_cache_type = "q8_0"`, {more:,} tokens fit.')
    return " ".join([*ways, "`check_memory = false` tries it anyway."])


def _list_layer_and_output_bytes(
    model: ModelSizes, asked: PlacementRequest, *, cache: bool = True
) -> list[int]:
    """List the bytes of each layer, with its cache if `cache`; the output is the last item."""
    layers = model.shape.layers
    weights = model.total_layer_bytes // max(1, len(layers))
    context = requirements.round_up_context(asked.context)
    kept = [
        requirements.count_layer_cache_bytes(layer, context, asked.kv) if cache else 0
        for layer in layers
    ]
    return [*(weights + each for each in kept), model.weight_bytes - model.total_layer_bytes]


def _estimate_device_compute_bytes(model: ModelSizes, asked: PlacementRequest) -> int:
    """Estimate the bytes of the compute buffers with the batch size for devices."""
    need = requirements.estimate_memory(
        model, asked.context, kv=asked.kv, flash=asked.flash, batch=BATCH_GPU
    )
    return need.compute


def _list_device_index_per_layer(count: int, free: Sequence[int]) -> list[int]:
    """Divide `count` layers among devices by their free bytes; return each layer's device index."""
    ends = list(accumulate(free))
    shares = [end / max(1, ends[-1]) for end in ends]
    return [min(bisect_right(shares, n / count), len(free) - 1) for n in range(count)]

"""What of a model goes where: decided from free memory, lowered when it does not work out.

llama.cpp counts the layers that it puts on devices from the end: the output first, then the last
layers. It parts them among several devices by their free memory; the same is reckoned here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from rm_local.engine.placement import requirements
from rm_local.engine.placement.requirements import BATCH_CPU, BATCH_GPU, ModelSizes
from rm_local.errors import MemoryShort
from rm_local.options import EngineOptions, Precision
from rm_local.units import format_bytes

SPARE = 512 << 20
"""Bytes of a device that are left to its driver, its kernels and the screen."""
LEAST_BATCH = 32
LEAST_CONTEXT = 2048
"""When nobody asked for a context, it is made smaller to fit, but not below this."""

Failed = Literal["weights", "context"]
DeviceKind = Literal["gpu", "igpu", "cpu", "other"]


@dataclass(frozen=True, slots=True)
class Device:
    """A device as llama.cpp reports it."""

    name: str
    about: str
    kind: DeviceKind
    free: int
    """Bytes."""
    total: int

    @property
    def shares(self) -> bool:
        """Whether its memory is the machine's own."""
        return self.kind != "gpu" or self.name.startswith(("Metal", "MTL"))


@dataclass(frozen=True, slots=True)
class Placement:
    """What goes where, and in which portions it is computed."""

    layers: int
    """On devices, the output counted as one; 0 = all on the CPU."""
    batch: int
    """Tokens computed at once at most."""
    cache_on_device: bool = True
    """Whether keys and values lie beside their layers."""


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """What a placement is made for."""

    context: int
    kv: Precision = "f16"
    flash: bool = True
    layers: int = -1
    """-1 = as many as fit."""

    @classmethod
    def for_options(cls, options: EngineOptions, context: int) -> PlacementRequest:
        """Build the request of a model that is loaded with these options at `context` tokens."""
        flash = options.flash_attention != "off"
        return cls(context, options.kv_cache_type, flash, options.gpu_layers)


def usable_devices(devices: Sequence[Device]) -> tuple[Device, ...]:
    """Those that llama.cpp puts layers on: graphics cards, or else what the processor has."""
    cards = tuple(device for device in devices if device.kind == "gpu")
    return cards or tuple(device for device in devices if device.kind == "igpu")[:1]


def place_layers(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest
) -> Placement:
    """As many layers on the devices as fit, or as were asked for; `devices` are usable ones."""
    count = len(model.shape.layers) + 1
    if not devices or asked.layers == 0:
        return Placement(0, BATCH_CPU, cache_on_device=False)
    if asked.layers > 0:
        return Placement(min(asked.layers, count), BATCH_GPU)
    free = [device.free for device in devices]
    layers = layers_that_fit(model, free, asked)
    return Placement(layers, BATCH_GPU) if layers else Placement(0, BATCH_CPU, False)


def layers_that_fit(model: ModelSizes, free: Sequence[int], asked: PlacementRequest) -> int:
    """How many layers devices with so many `free` bytes hold, weights and cache.

    From 0 to the number of layers plus 1, as llama.cpp counts them.
    """
    sizes = _sizes(model, asked)
    room = [bytes_ - SPARE - _compute(model, asked) for bytes_ in free]
    for count in range(len(sizes) if model.shape.layers else 0, 0, -1):
        taken = [0] * len(free)
        for place_, size in zip(_parted(count, free), sizes[-count:], strict=True):
            taken[place_] += size
        if all(size <= left for size, left in zip(taken, room, strict=True) if size):
            return count
    return 0


def next_fallback(placement: Placement, failed: Failed) -> Placement | None:
    """What to try when weights or the context did not get their memory; None = nothing is left.

    A context first gets smaller portions, then the machine's memory for its cache; what remains
    is fewer layers.
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


def host_bytes(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, placement: Placement
) -> int:
    """Bytes that the machine's own memory has to hold."""
    batch = min(placement.batch, BATCH_CPU)
    need = requirements.required_memory(
        model, asked.context, kv=asked.kv, flash=asked.flash, batch=batch
    )
    if not placement.layers or any(device.shares for device in devices):
        return need.total
    there = sum(_sizes(model, asked, cache=placement.cache_on_device)[-placement.layers :])
    return need.total - min(there, need.weights + need.cache)


def check_fits(
    model: ModelSizes,
    devices: Sequence[Device],
    asked: PlacementRequest,
    free: int | None,
    name: str,
) -> None:
    """MemoryShort when the machine's memory, of which `free` bytes are free, does not do."""
    need = _needed(model, devices, asked)
    if free is None or need <= free:
        return
    told = requirements.required_memory(model, asked.context, kv=asked.kv, flash=asked.flash)
    raise MemoryShort(
        f"{name} needs {format_bytes(need)} of memory for a context of {told.context:,} tokens "
        f"(weights {format_bytes(told.weights)}, {asked.kv} cache {format_bytes(told.cache)}, "
        f"computing {format_bytes(told.compute)}); {format_bytes(free)} are free.",
        _remedy(model, devices, asked, free),
    )


def check_growth(
    model: ModelSizes,
    devices: Sequence[Device],
    asked: PlacementRequest,
    context: int,
    free: int | None,
) -> None:
    """MemoryShort when so many free bytes do not do for a context larger than the one there is."""
    larger = _needed(model, devices, replace(asked, context=context))
    more = larger - _needed(model, devices, asked)
    if free is not None and more > free:
        raise MemoryShort(
            f"{context:,} tokens need {format_bytes(more)} more of memory; "
            f"{format_bytes(free)} are free.",
            "Close other programs.",
        )


def largest_context(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, free: int, top: int
) -> int:
    """The largest context, at most `top`, for which `free` bytes of the machine's memory do."""

    def fits(context: int) -> bool:
        return _needed(model, devices, replace(asked, context=context)) <= free

    return requirements.largest_fitting(fits, top)


def fitted_context(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, free: int | None
) -> int:
    """The context of a turn that nobody asked for one for: smaller than usual if that alone fits.

    The usual one when not even LEAST_CONTEXT fits; `check_memory` then says so.
    """
    context = requirements.default_context(model)
    found = context if free is None else largest_context(model, devices, asked, free, context)
    return found if found >= LEAST_CONTEXT else context


def _needed(model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest) -> int:
    return host_bytes(model, devices, asked, place_layers(model, devices, asked))


def _remedy(
    model: ModelSizes, devices: Sequence[Device], asked: PlacementRequest, free: int
) -> str:
    """What would fit, within what the model was trained for, and how to try it all the same."""
    top = max(
        requirements.round_up(asked.context) - requirements.CONTEXT_STEP, requirements.CONTEXT_STEP
    )
    top = min(top, model.context or top)
    found = largest_context(model, devices, asked, free, top)
    ways = ["Close other programs, or take a smaller model."]
    if found:
        why = "all that it was trained for" if found == model.context else "the largest that fits"
        ways = [f"Set `context = {found}`, {why}, or less."]
    can = asked.kv == "f16" and asked.flash
    packed = replace(asked, kv="q8_0")
    if can and (more := largest_context(model, devices, packed, free, top)) > found:
        ways.append(f'With `kv_cache_type = "q8_0"`, {more:,} tokens fit.')
    return " ".join([*ways, "`check_memory = false` tries it all the same."])


def _sizes(model: ModelSizes, asked: PlacementRequest, *, cache: bool = True) -> list[int]:
    """Bytes of each layer, the output last."""
    layers = model.shape.layers
    weights = model.layered // max(1, len(layers))
    context = requirements.round_up(asked.context)
    kept = [requirements.layer_cache(layer, context, asked.kv) if cache else 0 for layer in layers]
    return [*(weights + each for each in kept), model.weights - model.layered]


def _compute(model: ModelSizes, asked: PlacementRequest) -> int:
    need = requirements.required_memory(
        model, asked.context, kv=asked.kv, flash=asked.flash, batch=BATCH_GPU
    )
    return need.compute


def _parted(count: int, free: Sequence[int]) -> list[int]:
    """Which device each of `count` layers goes to."""
    ends = list(accumulate(free))
    shares = [end / max(1, ends[-1]) for end in ends]
    return [min(bisect_right(shares, n / count), len(free) - 1) for n in range(count)]

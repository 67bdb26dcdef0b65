"""Estimates a model's memory under the settings, and compares it with the free memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rm_local.cli.models.common import format_description_line
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.engine import Device, MemoryRequirement, ModelSizes, PlacementRequest
    from rm_local.settings import Settings


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Estimated memory of a model, with its layers placed on devices, and the free memory."""

    model: ModelSizes
    asked: PlacementRequest
    devices: tuple[Device, ...]
    need: MemoryRequirement
    machine: int
    """Bytes needed in the machine's own memory, not on devices."""
    layers: int
    """Number of layers placed on devices; the output layer counts as one."""
    free: int | None
    """Free bytes of the machine's own memory; None if unknown."""

    @classmethod
    def list_devices_and_estimate_memory(
        cls, settings: Settings, model: ModelSizes, context: int, free: int | None
    ) -> MemoryEstimate:
        """Estimate the memory of a model on this machine; a subprocess lists the devices.

        `context` is in tokens, 0 = as in the settings; `free` in bytes, None if unknown.
        """
        from rm_local.cli.devices import build_placement_request, parse_usable_gpus
        from rm_local.cli.subprocess_json import run_json_module
        from rm_local.engine import (
            estimate_host_bytes,
            estimate_memory,
            plan_placement,
        )

        devices = parse_usable_gpus(run_json_module("rm_local.engine.worker.build_info"))
        asked = build_placement_request(settings, model, context)
        place = plan_placement(model, devices, asked)
        need = estimate_memory(model, asked.context, kv=asked.kv, flash=asked.flash)
        machine = estimate_host_bytes(model, devices, asked, place)
        return cls(model, asked, devices, need, machine, place.layers, free)

    @property
    def largest_fitting_context_or_zero(self) -> int | None:
        """The largest context in tokens that fits in memory; 0 if none fits, None if unknown."""
        from rm_local.engine import (
            DEFAULT_CONTEXT,
            find_largest_context_in_memory_or_zero,
        )

        if self.free is None:
            return None
        top = self.model.trained_context or DEFAULT_CONTEXT
        return find_largest_context_in_memory_or_zero(
            self.model, self.devices, self.asked, self.free, top
        )

    def as_json(self) -> dict[str, Any]:
        """Convert the estimate to the JSON object of `models info --json`."""
        return {
            **asdict(self.need),
            "total": self.need.total,
            "machine": self.machine,
            "layers": self.layers,
            "free": self.free,
            "largest_context": self.largest_fitting_context_or_zero,
            "fits": None if self.free is None else self.machine <= self.free,
            "kv": self.asked.kv,
            "flash_attention": self.asked.flash,
        }

    def format_lines(self) -> list[str]:
        """Describe the needed and the free memory in lines."""
        need, free = self.need, self.free
        has = (
            "this system does not report how much is free"
            if free is None
            else f"{format_bytes(free)} free"
        )
        flash = "" if self.asked.flash else " without flash attention"
        parts = (
            f"weights {format_bytes(need.weights)}, "
            f"{self.asked.kv} cache {format_bytes(need.cache)}, "
            f"computing {format_bytes(need.compute)}{flash}"
        )
        lines = [
            format_description_line(
                "needs", f"{format_bytes(need.total)} at {need.context:,} tokens; {has}"
            ),
            format_description_line("", parts),
        ]
        if self.devices:
            layers = len(self.model.shape.layers) + 1
            rest = (
                f"{self.layers} of {layers} layers; "
                f"{format_bytes(self.machine)} of the machine's memory"
            )
            names = ", ".join(
                f"{each.name} ({format_bytes(each.free)} free)" for each in self.devices
            )
            lines.append(format_description_line("devices", f"{names}: {rest}"))
        return lines

    def describe_shortage_or_empty(self) -> str:
        """Describe in words how much memory is missing; empty if none is, or if it is unknown."""
        if self.free is None or self.machine <= self.free:
            return ""
        largest = self.largest_fitting_context_or_zero
        more = f"the largest context that fits is {largest:,}" if largest else "no context fits"
        return f"{format_bytes(self.machine - self.free)} more than is free; {more}"

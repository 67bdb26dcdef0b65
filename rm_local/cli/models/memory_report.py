"""What a model needs under the settings, against what this machine has free."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rm_local.cli.models.common import line
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.engine import Device, MemoryRequirement, ModelSizes, PlacementRequest
    from rm_local.settings import Settings


@dataclass(frozen=True, slots=True)
class Fit:
    """A model, what is asked of it, and where that would go."""

    model: ModelSizes
    asked: PlacementRequest
    devices: tuple[Device, ...]
    need: MemoryRequirement
    machine: int
    """Bytes of it that the machine's own memory has to hold."""
    layers: int
    """Layers that go on devices, the output counted as one."""
    free: int | None
    """Bytes of the machine's memory."""

    @classmethod
    def of(cls, settings: Settings, model: ModelSizes, context: int, free: int | None) -> Fit:
        """At `context` tokens, or 0 for the settings'; llama.cpp is asked for its devices."""
        from rm_local.cli.devices import asked_for, usable_devices
        from rm_local.cli.subprocess_json import ask_child
        from rm_local.engine import (
            host_bytes,
            place_layers,
            required_memory,
        )

        devices = usable_devices(ask_child("rm_local.engine.worker.build_info"))
        asked = asked_for(settings, model, context)
        place = place_layers(model, devices, asked)
        need = required_memory(model, asked.context, kv=asked.kv, flash=asked.flash)
        machine = host_bytes(model, devices, asked, place)
        return cls(model, asked, devices, need, machine, place.layers, free)

    @property
    def largest(self) -> int | None:
        """The largest context that fits; 0 for none, None where it is not known."""
        from rm_local.engine import (
            DEFAULT_CONTEXT,
            largest_context,
        )

        if self.free is None:
            return None
        top = self.model.context or DEFAULT_CONTEXT
        return largest_context(self.model, self.devices, self.asked, self.free, top)

    def as_json(self) -> dict[str, Any]:
        """What programs are told."""
        return {
            **asdict(self.need),
            "total": self.need.total,
            "machine": self.machine,
            "layers": self.layers,
            "free": self.free,
            "largest_context": self.largest,
            "fits": None if self.free is None else self.machine <= self.free,
            "kv": self.asked.kv,
            "flash_attention": self.asked.flash,
        }

    def told(self) -> list[str]:
        """The lines about memory."""
        need, free = self.need, self.free
        has = (
            "this system does not tell how much is free"
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
            line("needs", f"{format_bytes(need.total)} at {need.context:,} tokens; {has}"),
            line("", parts),
        ]
        if self.devices:
            layers = len(self.model.shape.layers) + 1
            rest = (
                f"{self.layers} of {layers} layers; "
                f"{format_bytes(self.machine)} of the machine's memory"
            )
            told = ", ".join(
                f"{each.name} ({format_bytes(each.free)} free)" for each in self.devices
            )
            lines.append(line("devices", f"{told}: {rest}"))
        return lines

    def warning(self) -> str:
        """What will not go well; empty when nothing is known to."""
        if self.free is None or self.machine <= self.free:
            return ""
        largest = self.largest
        more = f"the largest context that fits is {largest:,}" if largest else "no context fits"
        return f"{format_bytes(self.machine - self.free)} more than is free; {more}"

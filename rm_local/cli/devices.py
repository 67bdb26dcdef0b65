"""Devices that can hold layers, as llama.cpp tells them from a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rm_local.engine.placement.offload import Device, PlacementRequest
    from rm_local.engine.placement.requirements import ModelSizes
    from rm_local.settings import Settings


def usable_devices(told: dict[str, Any] | str) -> tuple[Device, ...]:
    """Those of a probe's answer that this build puts layers on."""
    from rm_local.engine.placement import offload

    if isinstance(told, str) or not told["offload"]:
        return ()
    return offload.usable_devices([offload.Device(**each) for each in told["devices"]])


def asked_for(settings: Settings, model: ModelSizes, context: int = 0) -> PlacementRequest:
    """What a load under these settings is for; `context` goes before theirs."""
    from rm_local.engine.placement import requirements
    from rm_local.engine.placement.offload import PlacementRequest

    options = settings.engine_options()
    usual = requirements.default_context(model, context or options.context)
    return PlacementRequest.for_options(options, usual)

"""Devices that can hold layers, as llama.cpp tells them from a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rm_local.engine import Device, ModelSizes, PlacementRequest
    from rm_local.settings import Settings


def usable_devices(told: dict[str, Any] | str) -> tuple[Device, ...]:
    """Those of a probe's answer that this build puts layers on."""
    from rm_local.engine import Device, usable_devices

    if isinstance(told, str) or not told["offload"]:
        return ()
    return usable_devices([Device(**each) for each in told["devices"]])


def asked_for(settings: Settings, model: ModelSizes, context: int = 0) -> PlacementRequest:
    """What a load under these settings is for; `context` goes before theirs."""
    from rm_local.engine import PlacementRequest, default_context

    options = settings.engine_options()
    usual = default_context(model, context or options.context)
    return PlacementRequest.for_options(options, usual)

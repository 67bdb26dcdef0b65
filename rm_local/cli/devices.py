"""Devices that can hold layers, as llama.cpp tells them from a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rm_local.engine.placement.placement import Asked, Device
    from rm_local.engine.placement.requirements import Sized
    from rm_local.settings import Settings


def usable_devices(told: dict[str, Any] | str) -> tuple[Device, ...]:
    """Those of a probe's answer that this build puts layers on."""
    from rm_local.engine.placement.placement import Device, usable

    if isinstance(told, str) or not told["offload"]:
        return ()
    return usable([Device(**each) for each in told["devices"]])


def asked_for(settings: Settings, model: Sized, context: int = 0) -> Asked:
    """What a load under these settings is for; `context` goes before theirs."""
    from rm_local.engine.placement import requirements
    from rm_local.engine.placement.placement import Asked

    options = settings.engine_options()
    usual = requirements.usual_context(model, context or options.context)
    return Asked.for_options(options, usual)

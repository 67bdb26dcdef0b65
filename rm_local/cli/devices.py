"""Parses the devices reported by llama.cpp, and builds requests to place layers on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rm_local.engine import Device, ModelSizes, PlacementRequest
    from rm_local.settings import Settings


def parse_devices(report: dict[str, Any] | str) -> tuple[Device, ...]:
    """Parse the devices for layers from a report of `build_info`."""
    from rm_local.engine import Device, select_usable_devices

    if isinstance(report, str) or not report["offload"]:
        return ()
    return select_usable_devices([Device(**each) for each in report["devices"]])


def build_placement_request(
    settings: Settings, model: ModelSizes, context: int = 0
) -> PlacementRequest:
    """Build the request for a load under these settings; a non-zero `context` overrides them."""
    from rm_local.engine import PlacementRequest, choose_default_context

    options = settings.engine_options()
    usual = choose_default_context(model, context or options.context)
    return PlacementRequest.from_options(options, usual)

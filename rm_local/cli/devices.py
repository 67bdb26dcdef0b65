"""The devices that llama.cpp reports in a subprocess, and what to place on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rm_local.engine import Device, ModelSizes, PlacementRequest
    from rm_local.settings import Settings


def parse_devices(report: dict[str, Any] | str) -> tuple[Device, ...]:
    """Parse the devices that this build can put layers on from a report of `build_info`."""
    from rm_local.engine import Device, select_usable_devices

    if isinstance(report, str) or not report["offload"]:
        return ()
    return select_usable_devices([Device(**each) for each in report["devices"]])


def build_placement_request(
    settings: Settings, model: ModelSizes, context: int = 0
) -> PlacementRequest:
    """Build the request for a load under these settings; a non-zero `context` overrides theirs."""
    from rm_local.engine import PlacementRequest, choose_default_context

    options = settings.engine_options()
    usual = choose_default_context(model, context or options.context)
    return PlacementRequest.for_options(options, usual)

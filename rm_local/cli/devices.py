"""Devices on which the commands place a model's layers to estimate its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rm_local.engine import Device, ModelSizes, PlacementRequest
    from rm_local.settings import Settings


def parse_usable_gpus(report: dict[str, Any] | str) -> tuple[Device, ...]:
    """Return the GPUs that can hold layers, from the report of `build_info`.

    Empty if the report is an error text, or the build of llama.cpp uses no GPU.
    """
    from rm_local.engine import Device, select_discrete_gpus_or_one_integrated

    if isinstance(report, str) or not report["offload"]:
        return ()
    return select_discrete_gpus_or_one_integrated([Device(**each) for each in report["devices"]])


def build_placement_request(
    settings: Settings, model: ModelSizes, context: int = 0
) -> PlacementRequest:
    """Build the request to place the model's layers as these settings require.

    `context` is the number of tokens; 0 = as in the settings.
    """
    from rm_local.engine import PlacementRequest, choose_asked_or_default_context

    options = settings.build_engine_options()
    usual = choose_asked_or_default_context(model, context or options.context)
    return PlacementRequest.from_options(options, usual)

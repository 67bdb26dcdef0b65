"""Puts the shipped models and the seed store into a wheel, for hatchling.

An editable install reads them in the checkout, so that it does not copy them (56 MB).
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = (
    "all-minilm-l6-v2.gguf",
    "rm-nano-q8_0.gguf",
    "rm-small-lora.gguf",
    "rm-static.safetensors",
    "seed.rms",
)


class ShippedFilesHook(BuildHookInterface[Any]):
    """hatchling calls `initialize` before it builds a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a wheel; `version` is "standard" or "editable"."""
        if version == "standard":
            build_data["force_include"].update(
                {f"models/{name}": f"rm_local/shipped/{name}" for name in SHIPPED}
            )

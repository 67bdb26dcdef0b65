"""Print what llama.cpp's build is and sees, as one JSON object.

Run `python -m rm_local.engine.worker.build_info`.

Runs as a process of its own, as an instruction that the processor lacks would end it.
"""

from __future__ import annotations

import ctypes
import json
from dataclasses import asdict
from typing import Any


def build() -> dict[str, Any]:
    """Version of the binding and of ggml, processor features in use, devices.

    `devices` are objects as `offload.Device`; empty where the build does not tell.
    """
    import llama_cpp

    from rm_local.engine.worker.llama.devices import devices

    llama_cpp.llama_backend_init()
    told = llama_cpp.llama_print_system_info().decode().replace(":", "|")
    return {
        "version": llama_cpp.__version__,
        "ggml": _ggml_version(),
        "features": [each.split("=")[0].strip() for each in told.split("|") if "= 1" in each],
        "offload": bool(llama_cpp.llama_supports_gpu_offload()),
        "devices": [asdict(device) for device in devices()],
    }


def _ggml_version() -> str:
    """For example `0.25.3`; empty where the build does not tell."""
    from rm_local.engine.worker.llama.devices import named

    try:
        return str(named("ggml_version", ctypes.c_char_p)().decode())
    except AttributeError:
        return ""


if __name__ == "__main__":
    print(json.dumps(build()))

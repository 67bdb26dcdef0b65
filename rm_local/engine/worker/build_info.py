"""Prints the version, features and devices of llama.cpp's build as one JSON object.

Run `python -m rm_local.engine.worker.build_info`.

It runs in a separate process, because a build for another processor would end the process.
"""

from __future__ import annotations

import ctypes
import json
from dataclasses import asdict
from typing import Any


def collect_llama_cpp_build_facts() -> dict[str, Any]:
    """Return facts about llama.cpp's build.

    The keys are `version` (of the Python binding), `ggml` (its version), `features` (of the
    processor, as used by the build), `offload` (whether it supports graphics devices), and
    `devices` (with the fields of `offload.Device`; empty if the build does not list them).
    """
    import llama_cpp

    from rm_local.engine.worker.llama.devices import list_devices

    llama_cpp.llama_backend_init()
    report = llama_cpp.llama_print_system_info().decode().replace(":", "|")
    return {
        "version": llama_cpp.__version__,
        "ggml": _get_ggml_version_or_empty(),
        "features": [each.split("=")[0].strip() for each in report.split("|") if "= 1" in each],
        "offload": bool(llama_cpp.llama_supports_gpu_offload()),
        "devices": [asdict(device) for device in list_devices()],
    }


def _get_ggml_version_or_empty() -> str:
    """Return ggml's version, for example `0.25.3`; empty if the build does not export it."""
    from rm_local.engine.worker.llama.devices import bind_ggml_function

    try:
        return str(bind_ggml_function("ggml_version", ctypes.c_char_p)().decode())
    except AttributeError:
        return ""


if __name__ == "__main__":
    print(json.dumps(collect_llama_cpp_build_facts()))

"""Print what llama.cpp's build is and sees, as one JSON object: `python -m rm_local.engine.probe`.

Runs as a process of its own, as an instruction that the processor lacks would end it.
"""

from __future__ import annotations

import ctypes
import json
from typing import Any


def build() -> dict[str, Any]:
    """Version of the binding and of ggml, processor features in use, devices.

    `devices` are [name, description, bytes]; empty where the build does not tell.
    """
    import llama_cpp

    llama_cpp.llama_backend_init()
    told = llama_cpp.llama_print_system_info().decode().replace(":", "|")
    return {
        "version": llama_cpp.__version__,
        "ggml": _ggml_version(),
        "features": [each.split("=")[0].strip() for each in told.split("|") if "= 1" in each],
        "offload": bool(llama_cpp.llama_supports_gpu_offload()),
        "devices": _devices(),
    }


def _ggml_version() -> str:
    """For example `0.25.3`; empty where the build does not tell."""
    try:
        return str(_named("ggml_version", ctypes.c_char_p)().decode())
    except AttributeError:
        return ""


def _devices() -> list[tuple[str, str, int]]:
    """What ggml's registry lists; the binding has no call for it."""
    try:
        number = _named("ggml_backend_dev_count", ctypes.c_size_t)()
        get = _named("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
        return [_device(ctypes.c_void_p(get(index))) for index in range(number)]
    except AttributeError:
        return []


def _device(device: ctypes.c_void_p) -> tuple[str, str, int]:
    pointer = ctypes.c_void_p
    name = _named("ggml_backend_dev_name", ctypes.c_char_p, pointer)(device)
    about = _named("ggml_backend_dev_description", ctypes.c_char_p, pointer)(device)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    memory = _named("ggml_backend_dev_memory", None, pointer, pointer, pointer)
    memory(device, ctypes.byref(free), ctypes.byref(total))
    return name.decode(), about.decode(), total.value


def _named(name: str, result: Any, *arguments: Any) -> Any:
    """ggml's function of that name; AttributeError where the build hides it."""
    from llama_cpp import _ggml

    function = getattr(_ggml.libggml, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


if __name__ == "__main__":
    print(json.dumps(build()))

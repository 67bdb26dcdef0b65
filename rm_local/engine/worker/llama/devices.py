"""The devices that llama.cpp sees, and their free memory. The binding has no call for it."""

from __future__ import annotations

import ctypes
from typing import Any

from rm_local.engine.placement.offload import Device, DeviceKind

_KINDS: dict[int, DeviceKind] = {0: "cpu", 1: "gpu", 2: "igpu"}


def devices() -> list[Device]:
    """What ggml's registry lists now; empty where the build hides it."""
    try:
        number = named("ggml_backend_dev_count", ctypes.c_size_t)()
        get = named("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
        return [_device(ctypes.c_void_p(get(index))) for index in range(number)]
    except AttributeError:
        return []


def named(name: str, result: Any, *arguments: Any) -> Any:
    """ggml's function of that name; AttributeError where the build hides it."""
    from llama_cpp import _ggml

    function = getattr(_ggml.libggml, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


def _device(device: ctypes.c_void_p) -> Device:
    pointer = ctypes.c_void_p
    name = named("ggml_backend_dev_name", ctypes.c_char_p, pointer)(device)
    about = named("ggml_backend_dev_description", ctypes.c_char_p, pointer)(device)
    kind = named("ggml_backend_dev_type", ctypes.c_int, pointer)(device)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    memory = named("ggml_backend_dev_memory", None, pointer, pointer, pointer)
    memory(device, ctypes.byref(free), ctypes.byref(total))
    return Device(name.decode(), about.decode(), _KINDS.get(kind, "other"), free.value, total.value)

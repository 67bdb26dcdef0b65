"""Lists the devices on which llama.cpp can compute, with their free memory."""

from __future__ import annotations

import ctypes
from typing import Any

from rm_local.engine.placement.offload import Device, DeviceKind

_KINDS: dict[int, DeviceKind] = {0: "cpu", 1: "gpu", 2: "igpu"}


def list_devices() -> list[Device]:
    """List the devices that llama.cpp's build supports on this machine, the CPU included.

    The list is empty if the build does not export the functions for it.
    """
    try:
        count = bind_ggml_function("ggml_backend_dev_count", ctypes.c_size_t)()
        get = bind_ggml_function("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
        return [_read_device(ctypes.c_void_p(get(index))) for index in range(count)]
    except AttributeError:
        return []


def bind_ggml_function(name: str, result: Any, *arguments: Any) -> Any:
    """Return ggml's C function `name` for ctypes, with the types of its result and arguments.

    Raises:
        AttributeError: The build does not export the function.
    """
    from llama_cpp import _ggml

    function = getattr(_ggml.libggml, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


def _read_device(device: ctypes.c_void_p) -> Device:
    pointer = ctypes.c_void_p
    name = bind_ggml_function("ggml_backend_dev_name", ctypes.c_char_p, pointer)(device)
    description = bind_ggml_function("ggml_backend_dev_description", ctypes.c_char_p, pointer)(
        device
    )
    kind = bind_ggml_function("ggml_backend_dev_type", ctypes.c_int, pointer)(device)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    memory = bind_ggml_function("ggml_backend_dev_memory", None, pointer, pointer, pointer)
    memory(device, ctypes.byref(free), ctypes.byref(total))
    return Device(
        name.decode(), description.decode(), _KINDS.get(kind, "other"), free.value, total.value
    )

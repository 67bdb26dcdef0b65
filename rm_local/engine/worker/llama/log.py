"""llama.cpp's log: written to descriptor 2, and looked through for what it alone tells."""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import suppress
from typing import Any

import llama_cpp

_DEBUG, _ERROR = 1, 4
_OFFLOADED = re.compile(rb"offloaded (\d+)/(\d+) layers to GPU")
_DEVICE = re.compile(rb"using device (\S+)")
_CACHE = re.compile(rb"(?:KV|RS) buffer size = *([\d.]+) MiB")
_FLASH = re.compile(rb"flash_attn += (enabled|disabled)|Flash Attention (enabled|disabled)")
_TOLD = (_OFFLOADED, _DEVICE, _CACHE, _FLASH)
_seen: list[bytes] = []
_errors: list[bytes] = []


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _callback(level: int, text: bytes, _data: Any) -> None:
    if level == _DEBUG:
        return
    with suppress(OSError):  # the disk may be full
        os.write(2, text)
    if level == _ERROR:
        _errors.append(text)
    elif any(told.search(text) for told in _TOLD):
        _seen.append(text)


def start() -> None:
    """Take llama.cpp's log over, for the whole process."""
    llama_cpp.llama_log_set(_callback, ctypes.c_void_p(0))


def forget() -> None:
    """Begin a new span for what the functions below tell."""
    _seen.clear()
    _errors.clear()


def first_error() -> str:
    """The first error that llama.cpp logged in this span, without what stands before each.

    What follows the first only says that this failed, and that. Empty when it logged none.
    """
    text = _errors[0].decode("utf-8", "replace") if _errors else ""
    return re.sub(r"^(?:\w+: |error loading model: )+", "", text).strip().rstrip(".")


def offloaded() -> tuple[str, int, int] | None:
    """Device, layers on it and layers in all, as the load in this span reported; None = no GPU."""
    devices = [m[1].decode() for line in _seen if (m := _DEVICE.search(line))]
    counts = [(int(m[1]), int(m[2])) for line in _seen if (m := _OFFLOADED.search(line))]
    if not devices or not counts or not counts[-1][0]:
        return None
    return "+".join(dict.fromkeys(devices)), *counts[-1]


def cache_size() -> int:
    """Bytes of the caches made in this span, to the hundredth of a MiB."""
    sizes = [float(m[1]) for line in _seen if (m := _CACHE.search(line))]
    return round(sum(sizes) * (1 << 20))


def flash_attention() -> bool:
    """Whether the context made in this span computes attention so."""
    states = [m[1] or m[2] for line in _seen if (m := _FLASH.search(line))]
    return bool(states) and states[-1] == b"enabled"

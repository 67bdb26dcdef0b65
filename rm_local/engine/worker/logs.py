"""llama.cpp's log: written to descriptor 2, and looked through for what it alone tells."""

from __future__ import annotations

import ctypes
import os
import re
from typing import Any

import llama_cpp

_DEBUG, _ERROR = 1, 4
_OFFLOADED = re.compile(rb"offloaded (\d+)/(\d+) layers to GPU")
_DEVICE = re.compile(rb"using device (\S+)")
_seen: list[bytes] = []


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _callback(level: int, text: bytes, _data: Any) -> None:
    if level == _DEBUG:
        return
    os.write(2, text)
    if level == _ERROR or _OFFLOADED.search(text) or _DEVICE.search(text):
        _seen.append(text)


def start() -> None:
    """Take llama.cpp's log over, for the whole process."""
    llama_cpp.llama_log_set(_callback, ctypes.c_void_p(0))


def forget() -> None:
    """Begin a new span for `first_error` and `offloaded`."""
    _seen.clear()


def first_error() -> str:
    """The first error that llama.cpp logged in this span, without what stands before each.

    What follows the first only says that this failed, and that. Empty when it logged none.
    """
    errors = [line for line in _seen if not (_OFFLOADED.search(line) or _DEVICE.search(line))]
    text = errors[0].decode("utf-8", "replace") if errors else ""
    return re.sub(r"^(?:\w+: |error loading model: )+", "", text).strip().rstrip(".")


def offloaded() -> tuple[str, int, int] | None:
    """Device, layers on it and layers in all, as the load in this span reported; None = no GPU."""
    devices = [m[1].decode() for line in _seen if (m := _DEVICE.search(line))]
    counts = [(int(m[1]), int(m[2])) for line in _seen if (m := _OFFLOADED.search(line))]
    if not devices or not counts or not counts[-1][0]:
        return None
    return "+".join(dict.fromkeys(devices)), *counts[-1]

"""Writes llama.cpp's log to descriptor 2, and finds facts in it that no function returns.

These are errors, the number of layers on devices, the cache's size, and the use of flash attention.
"""

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
_PATTERNS = (_OFFLOADED, _DEVICE, _CACHE, _FLASH)
_seen: list[bytes] = []
"""Messages since `forget_kept_log_messages` that match one of the patterns."""
_errors: list[bytes] = []
"""Error messages since `forget_kept_log_messages`."""


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _write_and_keep_log_message(level: int, text: bytes, _data: Any) -> None:
    """Write a message of llama.cpp to descriptor 2, and keep it if it is searched later."""
    if level == _DEBUG:
        return
    with suppress(OSError):  # the disk may be full
        os.write(2, text)
    if level == _ERROR:
        _errors.append(text)
    elif any(pattern.search(text) for pattern in _PATTERNS):
        _seen.append(text)


def install_log_callback() -> None:
    """Let llama.cpp pass its log messages to this module, for the whole process."""
    llama_cpp.llama_log_set(_write_and_keep_log_message, ctypes.c_void_p(0))


def forget_kept_log_messages() -> None:
    """Forget all messages so far: the other functions search only the messages after this call."""
    _seen.clear()
    _errors.clear()


def find_first_error_or_empty() -> str:
    """Return the first error since `forget_kept_log_messages`, without its prefixes; or empty.

    Later error messages only name the functions that failed because of the first error.
    """
    text = _errors[0].decode("utf-8", "replace") if _errors else ""
    return re.sub(r"^(?:\w+: |error loading model: )+", "", text).strip().rstrip(".")


def find_offloaded_layers() -> tuple[str, int, int] | None:
    """Find in the log how many of the loaded model's layers are on graphics devices.

    Return the devices' names joined by `+`, the number of layers on them, and the number of all
    layers; None if no layer is on a graphics device.
    """
    devices = [m[1].decode() for line in _seen if (m := _DEVICE.search(line))]
    counts = [(int(m[1]), int(m[2])) for line in _seen if (m := _OFFLOADED.search(line))]
    if not devices or not counts or not counts[-1][0]:
        return None
    return "+".join(dict.fromkeys(devices)), *counts[-1]


def sum_logged_cache_bytes() -> int:
    """Return the bytes of KV caches since `forget_kept_log_messages`, rounded to 0.01 MiB."""
    sizes = [float(m[1]) for line in _seen if (m := _CACHE.search(line))]
    return round(sum(sizes) * (1 << 20))


def log_shows_flash_attention() -> bool:
    """Return whether the context created since `forget_kept_log_messages` uses flash attention."""
    states = [m[1] or m[2] for line in _seen if (m := _FLASH.search(line))]
    return bool(states) and states[-1] == b"enabled"

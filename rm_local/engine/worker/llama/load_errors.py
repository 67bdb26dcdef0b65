"""Remedies for the user if llama.cpp cannot load a file, chosen by its error message."""

from __future__ import annotations

import re

_NEWER = (
    "A newer llama.cpp may know it, and so may a newer rm-local; until then choose another model."
)
_REMEDIES = (
    (r"unknown (model architecture|pre-tokenizer type)|invalid ggml type", _NEWER),
    (
        r"failed to open GGUF|invalid split file|split",
        "All files of a split model must be in one folder: copy or download the missing ones.",
    ),
    (
        r"allocat\w* |memory",
        "Close other programs, or choose a smaller model or quantisation; `rm-local models info` "
        "says what one needs.",
    ),
)
_DAMAGED = (
    "Its file is damaged, or was made for another llama.cpp: copy or download it again, or choose "
    "another model."
)


def find_load_remedy_or_default(reason: str, *, damaged: str = _DAMAGED) -> str:
    """Return the remedy for llama.cpp's error message `reason`; `damaged` if it is not known."""
    return next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, reason)), damaged)

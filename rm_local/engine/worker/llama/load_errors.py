"""What to do when llama.cpp does not take a file, by what it says of it."""

from __future__ import annotations

import re

_NEWER = (
    "A newer llama.cpp may know it, and so may a newer rm-local; until then choose another model."
)
_REMEDIES = (
    (r"unknown (model architecture|pre-tokenizer type)|invalid ggml type", _NEWER),
    (
        r"failed to open GGUF|invalid split file|split",
        "All files of a split model have to lie in one folder: copy or download what is missing.",
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


def remedy_for(reason: str, *, damaged: str = _DAMAGED) -> str:
    """What a user can do about an error that llama.cpp gave as `reason` while it loaded a file;
    `damaged` when the file itself must be the cause."""
    return next((does for why, does in _REMEDIES if re.search(why, reason)), damaged)

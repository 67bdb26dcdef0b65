"""LoRA adapters as users name them in options and settings: FILE or FILE:SCALE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)
_LARGEST = 3.4028234663852886e38
"""Largest usable scale: the largest 32-bit float, the type in which llama.cpp keeps a scale."""


@dataclass(frozen=True, slots=True)
class LoraAdapter:
    """A LoRA adapter to apply to a model: its file, and the scale of its effect."""

    path: str
    scale: float = 1.0
    """Factor of the adapter's change to the model's weights; 0 = the adapter is not used."""
    sha256: str = ""
    """sha256 of the file, in hexadecimal; empty = not computed."""

    def __str__(self) -> str:
        return self.path if self.scale == 1 else f"{self.path}:{self.scale:g}"


def parse_lora(text: str) -> LoraAdapter:
    """Parse a LoRA adapter from the text `FILE` or `FILE:SCALE`.

    The last part is a scale only if it is a number: file names may contain colons. Append
    `:1` to a file name that itself ends in a colon and a number.

    Raises:
        ValueError: There is no file name, or the scale is not finite.
    """
    path, colon, last = text.rpartition(":")
    scale = 1.0
    if colon and _NUMBER.fullmatch(last):
        scale = float(last)
    else:
        path = text
    if not path:
        raise ValueError(f"{text!r} names no file")
    if not is_usable_scale(scale):
        raise ValueError(f"the scale of {text!r} is not a finite number")
    return LoraAdapter(path, scale)


def is_usable_scale(scale: float) -> bool:
    """Return whether llama.cpp can compute with the scale: whether it is a finite 32-bit float."""
    return -_LARGEST <= scale <= _LARGEST


def drop_adapters_with_zero_scale(adapters: Iterable[LoraAdapter]) -> tuple[LoraAdapter, ...]:
    """Return the adapters without those whose scale is 0."""
    return tuple(adapter for adapter in adapters if adapter.scale != 0)

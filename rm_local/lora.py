"""LoRA adapters that a model is loaded with, as users write them: FILE or FILE:SCALE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)
_LARGEST = 3.4028234663852886e38
"""llama.cpp keeps a scale as a 32-bit float."""


@dataclass(frozen=True, slots=True)
class LoraAdapter:
    """An adapter's file, and how strongly it acts on the model."""

    path: str
    scale: float = 1.0
    """Factor of what the adapter adds to the model; 0 = it is not used."""
    sha256: str = ""
    """Of the file, in hexadecimal; empty = not computed."""

    def __str__(self) -> str:
        return self.path if self.scale == 1 else f"{self.path}:{self.scale:g}"


def parse_lora(text: str) -> LoraAdapter:
    """Read `FILE` or `FILE:SCALE`. Only a last part that is a number is a scale, so that file
    names may hold colons; `FILE:1` names a file that itself ends in a colon and a number.

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
    """Whether llama.cpp can compute with the scale: a finite 32-bit float."""
    return -_LARGEST <= scale <= _LARGEST


def drop_unused(adapters: Iterable[LoraAdapter]) -> tuple[LoraAdapter, ...]:
    """The adapters whose scale is not 0."""
    return tuple(adapter for adapter in adapters if adapter.scale != 0)

"""Options of the engine: one value, built from the settings and read by the worker process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
"""Number format of cached keys and values."""
FlashAttention = Literal["auto", "on", "off"]
"""Attention without a matrix of all scores; auto: wherever llama.cpp supports it."""
Overflow = Literal["stop", "drop_oldest", "grow"]
"""Action when the context is full: end the branch, drop the oldest turns, enlarge the context."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How models are loaded and run. The defaults are those of the settings."""

    context: int = 0
    """Tokens that a turn can hold; 0 = what the model was trained for, at most 16384, or less
    where the free memory does not hold that."""
    threads: int = 0
    """Threads that decode; 0 = the physical cores, or one for a small model, and fewer for as long
    as steps take longer because other programs are busy."""
    gpu_layers: int = -1
    """Layers on devices at most; -1 = as many as their free memory holds."""
    flash_attention: FlashAttention = "auto"
    kv_cache_type: Precision = "f16"
    """Format of cached keys and values; all but f16 need flash attention."""
    context_overflow: Overflow = "stop"
    end_loops: bool = True
    """End a branch that writes the same over and over."""
    repeat_penalty: float = 1.0
    """Divisor of the logits of the last 64 tokens written; 1 = none."""
    dry: float = 0.0
    """Strength of DRY, which penalises a token that continues a sequence written before, more the
    longer that is; 0 = none, 0.8 is usual."""
    check_memory: bool = True
    """Refuse to load a model whose estimated memory exceeds what is free."""
    templates: str = ""
    """Folder of the user's own chat templates and families, which need not exist; empty = none."""

"""Options for loading and running a model: built from the settings, read by the worker process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
"""Number format of the KV cache (llama.cpp's names)."""
FlashAttention = Literal["auto", "on", "off"]
"""Whether llama.cpp uses flash attention; `auto`: where it supports it."""
Overflow = Literal["stop", "drop_oldest", "grow"]
"""Action when the context is full: `stop` ends the branch, `drop_oldest` drops the oldest turns
of the conversation, `grow` enlarges the context."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Options for loading and running a model. The defaults are those of the settings."""

    context: int = 0
    """Context length of a turn in tokens; 0 = the model's training length, at most 16384, or less
    if free memory is short."""
    threads: int = 0
    """Number of threads for decoding; 0 = one per physical core (one thread for a small model), and
    fewer while other programs slow decoding down."""
    gpu_layers: int = -1
    """Maximum number of layers on GPUs; -1 = as many as their free memory holds."""
    flash_attention: FlashAttention = "auto"
    kv_cache_type: Precision = "f16"
    """Number format of the KV cache; all formats but f16 need flash attention."""
    context_overflow: Overflow = "stop"
    end_loops: bool = True
    """Whether to end the generation of a branch whose text repeats itself."""
    repeat_penalty: float = 1.0
    """Divisor of the logits of the last 64 tokens; 1 = off."""
    dry: float = 0.0
    """Strength of DRY, a penalty on tokens that continue a repeated sequence, larger for longer
    sequences; 0 = off, 0.8 is usual."""
    check_memory: bool = True
    """Whether to refuse to load a model whose estimated memory exceeds the free memory."""
    templates: str = ""
    """Folder of the user's own chat templates and families; it need not exist; empty = off."""

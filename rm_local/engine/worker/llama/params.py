"""llama.cpp's constants for the options of the engine, and its parameters for loading a model."""

from __future__ import annotations

from typing import Any

import llama_cpp

from rm_local.options import FlashAttention, Precision

TYPES: dict[Precision, int] = {
    "f16": llama_cpp.GGML_TYPE_F16,
    "q8_0": llama_cpp.GGML_TYPE_Q8_0,
    "q5_1": llama_cpp.GGML_TYPE_Q5_1,
    "q5_0": llama_cpp.GGML_TYPE_Q5_0,
    "q4_1": llama_cpp.GGML_TYPE_Q4_1,
    "q4_0": llama_cpp.GGML_TYPE_Q4_0,
}
"""Number format of the KV cache -> llama.cpp's constant."""
FLASH: dict[FlashAttention, int] = {
    "auto": llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
"""Value of the option `flash_attention` -> llama.cpp's constant."""


def build_model_params() -> Any:
    """Return llama.cpp's default parameters for loading a model, without repacking for AMX.

    With weights repacked for AMX, matrix products crash with a segmentation fault for Q8_0 and
    other types (llama.cpp issue 20824; seen on a Xeon with gcc 12). Other processors keep
    repacking.
    """
    params = llama_cpp.llama_model_default_params()
    params.use_extra_bufts = b"AMX_INT8 = 1" not in llama_cpp.llama_print_system_info()
    return params

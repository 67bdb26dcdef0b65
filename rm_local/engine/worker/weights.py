"""How weights are put into memory."""

from __future__ import annotations

from typing import Any

import llama_cpp


def model_params() -> Any:
    """llama.cpp's defaults, but for weights repacked for AMX.

    Its matrix product over those ends in a segmentation fault with Q8_0 and others (llama.cpp
    issue 20824; seen on a Xeon with gcc 12). Repacking for every other processor stays on.
    """
    params = llama_cpp.llama_model_default_params()
    params.use_extra_bufts = b"AMX_INT8 = 1" not in llama_cpp.llama_print_system_info()
    return params

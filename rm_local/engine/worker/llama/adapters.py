"""Loads LoRA adapters for a model, and applies them to its contexts."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

import llama_cpp

from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.load_errors import find_load_remedy_or_default
from rm_local.errors import EngineError, ModelLoadError
from rm_local.lora import LoraAdapter


class LoadedAdapters:
    """The LoRA adapters loaded for one model, with their scales; they are freed with the model."""

    def __init__(self, model: Any, adapters: Sequence[LoraAdapter]) -> None:
        """Load the adapters' files for llama.cpp's handle `model`, before it has a context.

        The size of a context depends on the adapters.

        Raises:
            ModelLoadError: llama.cpp cannot load an adapter.
        """
        handles = [_load_adapter(model, adapter.path) for adapter in adapters]
        self._count = len(handles)
        self._handles = (llama_cpp.llama_adapter_lora_p_ctypes * self._count)(*handles)
        self._scales = (ctypes.c_float * self._count)(*(each.scale for each in adapters))

    def apply_to_context(self, context: Any) -> None:
        """Let llama.cpp's `context` use all adapters.

        Raises:
            EngineError: llama.cpp rejects the adapters.
        """
        if self._count and llama_cpp.llama_set_adapters_lora(
            context, self._handles, self._count, self._scales
        ):
            reason = log.find_first_error_or_empty() or "it did not say why"
            raise EngineError(f"llama.cpp does not use the adapters: {reason}.", "Leave them out.")


def _load_adapter(model: Any, path: str) -> Any:
    log.forget_kept_log_messages()
    handle = llama_cpp.llama_adapter_lora_init(model, os.fsencode(path))
    if not handle:  # a pointer, also where it is null
        reason = log.find_first_error_or_empty() or "it did not say why"
        raise ModelLoadError(
            f"llama.cpp does not load the adapter {path}: {reason}.",
            find_load_remedy_or_default(reason),
        )
    return handle

"""LoRA adapters of a loaded model: read into memory once, set in each of its contexts."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

import llama_cpp

from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.load_errors import remedy_for
from rm_local.errors import EngineError, ModelRefused
from rm_local.lora import LoraAdapter


class LoadedAdapters:
    """The adapters of one model. They are freed with it."""

    def __init__(self, model: Any, adapters: Sequence[LoraAdapter]) -> None:
        """Load them, before the model has a context: llama.cpp sizes its graph by them.

        Raises:
            ModelRefused: llama.cpp does not load one.
        """
        handles = [_load(model, adapter.path) for adapter in adapters]
        self._count = len(handles)
        self._handles = (llama_cpp.llama_adapter_lora_p_ctypes * self._count)(*handles)
        self._scales = (ctypes.c_float * self._count)(*(each.scale for each in adapters))

    def set_in(self, context: Any) -> None:
        """Let a new context compute with the adapters.

        Raises:
            EngineError: llama.cpp does not.
        """
        if self._count and llama_cpp.llama_set_adapters_lora(
            context, self._handles, self._count, self._scales
        ):
            reason = log.first_error() or "it did not say why"
            raise EngineError(f"llama.cpp does not use the adapters: {reason}.", "Leave them out.")


def _load(model: Any, path: str) -> Any:
    log.forget()
    handle = llama_cpp.llama_adapter_lora_init(model, os.fsencode(path))
    if not handle:  # a pointer, also where it is null
        reason = log.first_error() or "it did not say why"
        raise ModelRefused(
            f"llama.cpp does not load the adapter {path}: {reason}.", remedy_for(reason)
        )
    return handle

"""Loads a text generation model with llama.cpp, with its vocabulary and chat template."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp

from rm_local.engine import protocol
from rm_local.engine.families.detect import ChatFormat, detect_chat_format
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.adapters import LoadedAdapters
from rm_local.engine.worker.llama.cpu import choose_thread_count
from rm_local.engine.worker.llama.load_errors import find_load_remedy_or_default
from rm_local.engine.worker.llama.params import build_model_params
from rm_local.engine.worker.llama.tokenizer import Vocab
from rm_local.engine.worker.templates.chat_template import ChatTemplate
from rm_local.engine.worker.templates.render_client import Renderer
from rm_local.errors import CancelledByUserError, InvalidModelError, ModelLoadError
from rm_local.gguf import GgufHeader, LoraHeader
from rm_local.units import format_count

_REPORT_EVERY = 0.05
"""Minimum seconds between two reports of the progress of loading."""
_LEVELS = {" - Small": "_S", " - Medium": "_M", " - Large": "_L"}


class Model:
    """A loaded text generation model: weights, vocabulary, chat template, LoRA adapters."""

    def __init__(
        self,
        handle: Any,
        vocab: Vocab,
        template: ChatTemplate,
        info: protocol.ModelInfo,
        threads: int,
        adapters: LoadedAdapters,
    ) -> None:
        self.handle = handle
        self.adapters = adapters
        self.vocab = vocab
        self.template = template
        self.info = info
        self.threads = threads
        self.rewinds = not (
            llama_cpp.llama_model_is_recurrent(handle) or llama_cpp.llama_model_is_hybrid(handle)
        )
        """Whether the end of a sequence can be removed from the KV cache (not if recurrent)."""

    @classmethod
    def load_file(
        cls,
        request: protocol.Load,
        header: GgufHeader,
        files: Sequence[LoraHeader],
        on_progress: Callable[[float], None],
        inbox: Inbox,
        renderer: Renderer,
    ) -> Model:
        """Load the model that `request` names, with its adapters.

        The renderer's process is started if it is not running. `header`: the header of the model's
        file. `files`: the headers of the adapters, in order.

        Raises:
            ModelLoadError: llama.cpp cannot load a file.
            InvalidModelError: The model cannot generate text.
            SettingsError: A file of the user's templates is invalid.
            CancelledByUserError: The request was cancelled.
        """
        path = Path(request.model)
        templates = request.options.templates
        overrides = Path(templates) if templates else None
        thinking = detect_chat_format(
            header.metadata, file=path.stem, overrides=overrides, adapters=files
        )
        renderer.start_process_if_stopped()
        handle = _load_weights(path, request.options.gpu_layers, on_progress, inbox)
        try:
            return cls._build_from_handle(handle, request, header, thinking, renderer)
        except Exception:
            llama_cpp.llama_model_free(handle)
            raise

    @classmethod
    def _build_from_handle(
        cls,
        handle: Any,
        request: protocol.Load,
        header: GgufHeader,
        thinking: ChatFormat,
        renderer: Renderer,
    ) -> Model:
        """Build the model from llama.cpp's handle of the loaded weights; load its adapters.

        Raises:
            InvalidModelError: The model cannot generate text.
            ModelLoadError: llama.cpp cannot load an adapter.
        """
        if llama_cpp.llama_model_has_encoder(handle) or llama_cpp.llama_model_is_diffusion(handle):
            raise InvalidModelError(
                f"{request.model} is of a kind ({header.architecture}) that cannot generate text "
                "token by token.",
                "Choose a decoder model.",
            )
        vocab = Vocab(handle, thinking.markers)
        template = ChatTemplate(
            thinking,
            bos=vocab.get_special_token_text("bos"),
            eos=vocab.get_special_token_text("eos"),
            render=renderer,
        )
        threads = request.options.threads or choose_thread_count(llama_cpp.llama_model_size(handle))
        info = _make_model_info(handle, request, header, thinking, template, threads)
        adapters = LoadedAdapters(handle, request.lora)
        return cls(handle, vocab, template, info, threads, adapters)

    def close(self) -> None:
        """Free the weights and the adapters; all contexts of the model have to be freed before."""
        llama_cpp.llama_model_free(self.handle)


def _load_weights(
    path: Path, gpu_layers: int, on_progress: Callable[[float], None], inbox: Inbox
) -> Any:
    """Load the weights of a GGUF file; return llama.cpp's handle.

    Raises:
        ModelLoadError: llama.cpp cannot load the file.
        CancelledByUserError: The request was cancelled.
    """
    reported = 0.0

    @llama_cpp.llama_progress_callback  # type: ignore[untyped-decorator]
    def report_progress_unless_cancelled(share: float, _data: Any) -> bool:
        nonlocal reported
        now = time.monotonic()
        if now - reported >= _REPORT_EVERY or share >= 1:
            reported = now
            on_progress(share)
        return inbox.cancel_reason is None

    params = build_model_params()
    params.n_gpu_layers = gpu_layers
    params.progress_callback = report_progress_unless_cancelled
    log.forget_kept_log_messages()
    handle = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
    if handle is None and inbox.cancel_reason:
        raise CancelledByUserError("Loading was stopped.")
    if handle is None:
        reason = log.find_first_error_or_empty() or "it did not say why"
        raise ModelLoadError(
            f"llama.cpp does not load {path}: {reason}.", find_load_remedy_or_default(reason)
        )
    return handle


def _make_model_info(
    handle: Any,
    request: protocol.Load,
    header: GgufHeader,
    thinking: ChatFormat,
    template: ChatTemplate,
    threads: int,
) -> protocol.ModelInfo:
    trained = llama_cpp.llama_model_n_ctx_train(handle)
    metadata = header.metadata
    return protocol.ModelInfo(
        path=request.model,
        name=request.name or str(metadata.get("general.name") or Path(request.model).stem),
        architecture=header.architecture,
        quantisation=_get_quantization_name(handle),
        parameters=llama_cpp.llama_model_n_params(handle),
        size=llama_cpp.llama_model_size(handle),
        context=request.options.context,
        trained_context=trained,
        thinks=thinking.thinks,
        device=_describe_logged_placement(threads),
        temperature=_round_or_none(metadata.get("general.sampling.temp")),
        top_p=_round_or_none(metadata.get("general.sampling.top_p")),
        family=thinking.family.name,
        opening=thinking.markers.opening if thinking.thinks else "",
        closing=thinking.markers.closing if thinking.thinks else "",
        opened_by=template.opened_by,
        template=thinking.template_origin_description,
        efforts=thinking.family.efforts,
        converses=template.converses,
        calculator=thinking.family.calculator,
        lora=request.lora,
    )


def _get_quantization_name(handle: Any) -> str:
    """Return llama.cpp's name of the model's quantization, with `_M` for `- Medium`."""
    name = llama_cpp.llama_ftype_name(llama_cpp.llama_model_ftype(handle)) or b"unknown"
    text = str(ctypes.c_char_p(name).value.decode())  # type: ignore[union-attr]
    for words, letter in _LEVELS.items():
        text = text.replace(words, letter)
    return text


def _describe_logged_placement(threads: int) -> str:
    """Describe for the user on which devices the layers are, by llama.cpp's log of the loading."""
    cpu = f"CPU, {format_count(threads, 'thread')}"
    if not (where := log.find_offloaded_layers()):
        return cpu
    device, there, layers = where
    rest = f"; the rest on {cpu}" if there < layers else ""
    return f"{device}, {there} of {layers} layers{rest}"


def _round_or_none(value: Any) -> float | None:
    """Round a number to 6 digits after the point; None for any other value."""
    return round(float(value), 6) if isinstance(value, int | float) else None

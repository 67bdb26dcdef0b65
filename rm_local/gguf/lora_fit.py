"""Checks that LoRA adapters fit a model, and computes the hashes of their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.gguf.header import check_is_ordinary_file, read_header
from rm_local.gguf.lora_file import LoraHeader, read_and_check_lora_header
from rm_local.gguf.split_files import GgufFiles
from rm_local.gguf.tensor_entry import Sizes, clip_name, format_tensor_sizes
from rm_local.lora import LoraAdapter, is_usable_scale

_OTHER_BASE = (
    "Load it with the model that it was made for, or remove it from --lora or from `lora` in the "
    "settings."
)


def check_lora_compatibility(
    adapter: LoraHeader, model: Path, files: GgufFiles, scale: float = 1.0
) -> None:
    """Check that an adapter fits a base model: architecture, tensor names and sizes, scale.

    `model`: path of the base model, for messages. `files`: the headers of its files.

    Raises:
        InvalidModelError: The adapter was made for another model, or cannot be applied with
            this scale.
    """
    path, architecture = adapter.path, files.header.architecture
    if adapter.architecture != architecture:
        raise InvalidModelError(
            f"{path} was made for the architecture {clip_name(adapter.architecture)}; {model} has "
            f"{clip_name(architecture)}.",
            _OTHER_BASE,
        )
    tensors = _read_tensor_sizes(files)
    for name, pair in adapter.pairs.items():
        if name not in tensors:
            raise InvalidModelError(
                f"{path} changes {clip_name(name)}, which {model} does not have.", _OTHER_BASE
            )
        if tensors[name] != pair.changed:
            raise InvalidModelError(
                f"{path} does not fit {model}: it changes a {clip_name(name)} of "
                f"{format_tensor_sizes(pair.changed)}; the model's is "
                f"{format_tensor_sizes(tensors[name])}.",
                _OTHER_BASE,
            )
    _check_scale_stays_finite(adapter, scale)


def read_and_check_adapter_headers(
    adapters: Iterable[LoraAdapter], model: Path, files: GgufFiles
) -> tuple[LoraHeader, ...]:
    """Read the headers of the adapters' files, and check that each adapter fits the model.

    `model`: path of the model, for messages. `files`: the headers of its files.

    Raises:
        ModelNotFoundError: An adapter's file does not exist, or cannot be read.
        InvalidModelError: A file is not a complete LoRA adapter, or was made for another model.
    """
    loras = []
    for adapter in adapters:
        loras.append(read_and_check_lora_header(Path(adapter.path)))
        check_lora_compatibility(loras[-1], model, files, adapter.scale)
    return tuple(loras)


def hash_adapter_file(path: Path) -> str:
    """Compute the sha256 of an adapter's file, in hexadecimal.

    Raises:
        ModelNotFoundError: The file cannot be read.
    """
    check_is_ordinary_file(path, "adapter")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelNotFoundError(
            f"The adapter {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error


def add_missing_adapter_hash_if_readable(adapter: LoraAdapter) -> LoraAdapter:
    """Return the adapter with the sha256 of its file; unchanged if the file cannot be read.

    A sha256 that the adapter already has is kept, and the file is not read.
    """
    try:
        return replace(adapter, sha256=adapter.sha256 or hash_adapter_file(Path(adapter.path)))
    except ModelNotFoundError:
        return adapter


def _check_scale_stays_finite(adapter: LoraHeader, scale: float) -> None:
    """Check that scale x alpha / rank is a finite 32-bit float for each rank of the adapter.

    Raises:
        InvalidModelError: A value is not finite.
    """
    factors = [
        scale * adapter.alpha / rank if adapter.alpha else scale for rank in adapter.distinct_ranks
    ]
    if not all(map(is_usable_scale, [scale, *factors])):
        message = (
            f"{adapter.path} cannot be used with the scale {scale:g}: scale x alpha / rank is not "
            "a finite number."
        )
        raise InvalidModelError(message, "Give a scale near 1, as in --lora FILE:0.5.")


def _read_tensor_sizes(files: GgufFiles) -> dict[str, Sizes]:
    """Read the tensor tables of a model's files: name of a tensor -> its sizes."""
    headers = [
        header if header.table else read_header(path, table=True) for path, header in files.there
    ]
    return {entry.name: entry.sizes for header in headers for entry in header.table}

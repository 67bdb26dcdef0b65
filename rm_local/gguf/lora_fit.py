"""Which LoRA adapters fit a model, and which files exactly they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rm_local.errors import ModelInvalid, ModelMissing
from rm_local.gguf.header import read_header
from rm_local.gguf.lora_file import LoraFile, read_lora_file
from rm_local.gguf.split_files import GgufFiles
from rm_local.gguf.tensor_entry import Sizes, clip_name, format_sizes
from rm_local.lora import LoraAdapter, is_usable_scale

_OTHER_BASE = (
    "Load it with the model that it was made for, or remove it from --lora or from `lora` in the "
    "settings."
)


def check_lora_fits(adapter: LoraFile, model: Path, files: GgufFiles, scale: float = 1.0) -> None:
    """Compare an adapter with the model at `model` that it is to change.

    Raises:
        ModelInvalid: It was made for another model, or cannot be applied with this scale.
    """
    path, architecture = adapter.path, files.header.architecture
    if adapter.architecture != architecture:
        raise ModelInvalid(
            f"{path} was made for the architecture {clip_name(adapter.architecture)}; {model} has "
            f"{clip_name(architecture)}.",
            _OTHER_BASE,
        )
    tensors = _read_sizes(files)
    for name, pair in adapter.pairs.items():
        if name not in tensors:
            raise ModelInvalid(
                f"{path} changes {clip_name(name)}, which {model} does not have.", _OTHER_BASE
            )
        if tensors[name] != pair.changed:
            raise ModelInvalid(
                f"{path} does not fit {model}: it changes a {clip_name(name)} of "
                f"{format_sizes(pair.changed)}; the model's is {format_sizes(tensors[name])}.",
                _OTHER_BASE,
            )
    _check_scale(adapter, scale)


def read_fitting_lora(
    adapters: Iterable[LoraAdapter], model: Path, files: GgufFiles
) -> tuple[LoraFile, ...]:
    """Read the adapters' headers, and compare each with the model at `model`.

    Raises:
        ModelMissing: An adapter's file does not exist, or cannot be read.
        ModelInvalid: One is not a whole LoRA adapter, or not of this model.
    """
    read = []
    for adapter in adapters:
        read.append(read_lora_file(Path(adapter.path)))
        check_lora_fits(read[-1], model, files, adapter.scale)
    return tuple(read)


def hash_file(path: Path) -> str:
    """The sha256 of a file, in hexadecimal. ModelMissing when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelMissing(
            f"The adapter {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error


def identify_lora(adapter: LoraAdapter) -> LoraAdapter:
    """The adapter with the hash of its file, or as it is when the file cannot be read."""
    try:
        return replace(adapter, sha256=adapter.sha256 or hash_file(Path(adapter.path)))
    except ModelMissing:
        return adapter


def _check_scale(adapter: LoraFile, scale: float) -> None:
    """ModelInvalid when llama.cpp would multiply by what is not a finite 32-bit float."""
    factors = [scale * adapter.alpha / rank if adapter.alpha else scale for rank in adapter.ranks]
    if not all(map(is_usable_scale, [scale, *factors])):
        message = (
            f"{adapter.path} cannot be used with the scale {scale:g}: scale x alpha / rank is not "
            "a finite number."
        )
        raise ModelInvalid(message, "Give a scale near 1, as in --lora FILE:0.5.")


def _read_sizes(files: GgufFiles) -> dict[str, Sizes]:
    """Sizes of the model's tensors, by their names."""
    headers = [
        header if header.table else read_header(path, table=True) for path, header in files.there
    ]
    return {entry.name: entry.sizes for header in headers for entry in header.table}

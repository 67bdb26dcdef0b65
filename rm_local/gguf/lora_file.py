"""Reads a LoRA adapter in the GGUF format, and checks it before llama.cpp loads it.

For a matrix NAME of its base model, of width n and height m, the file holds NAME.lora_a (n x r)
and NAME.lora_b (r x m) of rank r; for the table of token embeddings the two are exchanged.
llama.cpp adds scale x alpha / r x (b a) to the matrix, or scale x (b a) without an alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rm_local.errors import InvalidModelError
from rm_local.gguf.header import GgufHeader, check_file_complete, read_header
from rm_local.gguf.kind import detect_kind
from rm_local.gguf.tensor_entry import BLOCKS, Sizes, TensorEntry, clip_name, format_tensor_sizes

ALPHA = "adapter.lora.alpha"
INVOCATION = "adapter.alora.invocation_tokens"
_FLOAT32 = 6
_NO_WEIGHTS = {9, 15, 24, 25, 26, 27, 28}
"""ggml types of integers, 64-bit floats and intermediate results, which store no weights."""
_CONVERT = "Convert the adapter again, or choose another."
_CHOOSE = "Choose a LoRA adapter in the GGUF format."


@dataclass(frozen=True, slots=True)
class LoraPair:
    """The entries of the two tensors, factors A and B, by which an adapter changes one matrix."""

    a: TensorEntry
    b: TensorEntry
    changed: Sizes
    """Sizes of the changed matrix in the base model, the contiguous dimension first."""
    rank: int


@dataclass(frozen=True, slots=True)
class LoraHeader:
    """The checked header of a LoRA adapter's file; the weights are not read."""

    path: Path
    metadata: dict[str, Any]
    alpha: float
    """LoRA's alpha, by which the change is multiplied and then divided by the rank; 0 = not set."""
    pairs: dict[str, LoraPair]
    """Name of the changed matrix in the base model -> its two factors."""
    tensor_count: int
    size: int
    """Size of the file in bytes."""
    weight_bytes: int
    """Bytes of all factors; llama.cpp keeps them in memory."""
    total_layer_bytes: int
    """Bytes of the factors whose changed matrix belongs to a layer (`blk.N.`)."""

    @property
    def architecture(self) -> str:
        """Architecture of the adapter's base model, such as `llama`."""
        return str(self.metadata["general.architecture"])

    @property
    def distinct_ranks(self) -> tuple[int, ...]:
        """The distinct ranks of the changes, in ascending order."""
        return tuple(sorted({pair.rank for pair in self.pairs.values()}))

    @property
    def base_description(self) -> str:
        """Name, address and sha256 of the base model, as far as stated, in one line."""
        texts = [self.metadata.get(f"general.base_model.0.{key}") for key in ("name", "repo_url")]
        hash_ = self.metadata.get("rm_local.base.sha256")
        named = [text for text in texts if isinstance(text, str) and text]
        return ", ".join(named + ([f"sha256 {hash_}"] if isinstance(hash_, str) else []))

    @property
    def trained_with_calculator(self) -> bool | None:
        """Whether the adapter was trained with the calculator; None if the file does not say."""
        value = self.metadata.get("rm_local.calculator")
        return value if isinstance(value, bool) else None


def read_and_check_lora_header(path: Path) -> LoraHeader:
    """Read and check the header of a LoRA adapter's file; no weights are read.

    Raises:
        ModelNotFoundError: There is no such file, or it cannot be read.
        InvalidModelError: The file is damaged, or not a LoRA adapter.
    """
    header = read_header(path, noun="adapter", table=True)
    _check_is_supported_lora(path, header)
    check_file_complete(path, header)
    _check_tensors_are_contiguous(path, header)
    pairs = _pair_tensors(path, header.table)
    return LoraHeader(
        path=path,
        metadata=header.metadata,
        alpha=_get_alpha_or_zero(path, header),
        pairs=pairs,
        tensor_count=header.tensor_count,
        size=path.stat().st_size,
        weight_bytes=sum(pair.a.bytes + pair.b.bytes for pair in pairs.values()),
        total_layer_bytes=sum(
            pair.a.bytes + pair.b.bytes for name, pair in pairs.items() if name.startswith("blk.")
        ),
    )


def _check_is_supported_lora(path: Path, header: GgufHeader) -> None:
    metadata = header.metadata
    kind = detect_kind(metadata, header.tensor_count)
    if kind == "text":
        raise InvalidModelError(
            f"{path} is a model, not a LoRA adapter.",
            f"Name it with --model. {_CHOOSE}",
        )
    if metadata.get("general.type") != "adapter":
        raise InvalidModelError(f"{path} is not a LoRA adapter ({kind}).", _CHOOSE)
    if (found := metadata.get("adapter.type")) != "lora":
        message = f"{path} is an adapter of the type {clip_name(str(found))!r}, not 'lora'."
        raise InvalidModelError(message, _CHOOSE)
    if INVOCATION in metadata:
        message = f"{path} acts only after certain tokens (aLoRA), which is not supported."
        raise InvalidModelError(message, "Choose an adapter that acts on the whole text.")
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise InvalidModelError(
            f"{path} does not say for which architecture it was made.", _CONVERT
        )


def _get_alpha_or_zero(path: Path, header: GgufHeader) -> float:
    """Read LoRA's alpha; 0 if it is missing.

    Raises:
        InvalidModelError: Alpha is not a finite 32-bit float; llama.cpp would abort.
    """
    if ALPHA not in header.metadata:
        return 0.0
    value = header.metadata[ALPHA]
    if header.types[ALPHA] != _FLOAT32 or not math.isfinite(value):
        message = f"{path} is damaged: {ALPHA} is {value!r}, not a finite 32-bit float."
        raise InvalidModelError(message, _CONVERT)
    return float(value)


def _check_tensors_are_contiguous(path: Path, header: GgufHeader) -> None:
    """Check that each tensor's data begin at the (padded) end of the previous tensor's data.

    Raises:
        InvalidModelError: A tensor begins elsewhere.
    """
    expected = 0
    for entry in header.table:
        if entry.type in BLOCKS and entry.offset != expected:
            raise InvalidModelError(
                f"{path} is damaged: {clip_name(entry.name)} is misplaced.", _CONVERT
            )
        expected = entry.offset + -(-entry.bytes // header.alignment) * header.alignment


def _pair_tensors(path: Path, table: tuple[TensorEntry, ...]) -> dict[str, LoraPair]:
    """Pair the factors A and B: name of the changed matrix -> its pair. Changed norms are ignored.

    Raises:
        InvalidModelError: A tensor is no factor, occurs twice, or lacks its other factor.
    """
    found: dict[str, dict[str, TensorEntry]] = {}
    for entry in table:
        name, dot, part = entry.name.rpartition(".lora_")
        if not dot and entry.name.endswith("_norm.weight"):
            continue  # llama.cpp ignores changed norms
        if not (name and part in ("a", "b")):
            message = f"{path} holds {clip_name(entry.name)}, which is not part of a LoRA adapter."
            raise InvalidModelError(message, _CONVERT)
        if part in found.setdefault(name, {}):
            message = f"{path} is damaged: it holds {clip_name(entry.name)} twice."
            raise InvalidModelError(message, _CONVERT)
        _check_tensor_format(path, entry)
        found[name][part] = entry
    if not found:
        raise InvalidModelError(f"{path} holds no matrices, so it changes nothing.", _CONVERT)
    return {name: _build_pair(path, name, parts) for name, parts in found.items()}


def _check_tensor_format(path: Path, entry: TensorEntry) -> None:
    if entry.type not in BLOCKS or entry.type in _NO_WEIGHTS:
        message = (
            f"{path} stores {clip_name(entry.name)} in a number format (ggml type {entry.type}) "
            "that adapters do not use."
        )
        raise InvalidModelError(message, "Convert the adapter to F16 or F32.")
    if not entry.value_count or entry.sizes[0] % BLOCKS[entry.type][0]:
        message = (
            f"{path} is damaged: {clip_name(entry.name)} is {format_tensor_sizes(entry.sizes)}."
        )
        raise InvalidModelError(message, _CONVERT)


def _build_pair(path: Path, name: str, parts: dict[str, TensorEntry]) -> LoraPair:
    for part, other in ("ab", "ba"):
        if part not in parts:
            message = (
                f"{path} is damaged: it holds {clip_name(name)}.lora_{other} without .lora_{part}."
            )
            raise InvalidModelError(message, _CONVERT)
    a, b = parts["a"], parts["b"]
    if name.endswith("token_embd.weight"):
        ranks, changed = (a.sizes[0], b.sizes[0]), (b.sizes[1], a.sizes[1], *a.sizes[2:])
    else:
        ranks, changed = (a.sizes[1], b.sizes[0]), (a.sizes[0], b.sizes[1], *a.sizes[2:])
    if ranks[0] != ranks[1] or a.sizes[2:] != b.sizes[2:]:
        raise InvalidModelError(
            f"{path} is damaged: {clip_name(name)} has .lora_a of "
            f"{format_tensor_sizes(a.sizes)} and .lora_b of {format_tensor_sizes(b.sizes)}, "
            "whose ranks differ.",
            _CONVERT,
        )
    return LoraPair(a, b, changed, ranks[0])

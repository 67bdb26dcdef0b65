"""Describes a model by the headers of its files, without llama.cpp and without its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rm_local.engine import detect_chat_format
from rm_local.errors import ModelNotFoundError
from rm_local.gguf import (
    GgufFiles,
    GgufHeader,
    ModelKind,
    ModelShape,
    check_file_complete,
    check_is_text_model,
    detect_kind,
    name_quantization,
    read_header,
    read_headers_of_existing_parts,
    resolve_first_part_path,
)
from rm_local.text import one_line


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """The description of a model by the headers of its files, for lists and memory estimates."""

    path: Path
    """The file to load; the first file of a split model."""
    files: tuple[Path, ...]
    """Existing files of the model; empty for rm-small before it is merged."""
    missing: tuple[str, ...]
    """Names of the files of a split model that do not exist."""
    kind: ModelKind
    title: str
    architecture: str
    parameters: int
    quantisation: str
    size: int
    """Bytes on the disk; for rm-small before it is merged, the future number of bytes."""
    weight_bytes: int
    """Bytes of weights."""
    total_layer_bytes: int
    """Bytes of the weights that belong to a layer."""
    trained_context: int
    """Context length in training, in tokens; 0 if the file does not state it."""
    experts: tuple[int, int]
    """Number of experts, and number of experts per token."""
    tokenizer: str
    """Types of the tokenizer and its pre-tokenizer, such as `gpt2 qwen2`."""
    template: str
    """Text of the chat template; empty if the file has none."""
    thinks: bool
    """Whether models of its family think before they answer; the user's own families are
    ignored."""
    shape: ModelShape
    """Numbers of layers and widths, for an estimate of the memory."""


def read_model_description(path: Path) -> ModelDescription:
    """Read the headers of a model's files, and describe it; `path`: any file of a split model.

    Raises:
        ModelNotFoundError: There is no such file, or it cannot be read.
        InvalidModelError: A file is not a GGUF file, or its header is damaged.
    """
    path = resolve_first_part_path(path)
    return build_model_description(path, read_headers_of_existing_parts(path))


def require_loadable(model: ModelDescription) -> None:
    """Check that the engine can load the model: it generates text, and its files are complete.

    Raises:
        ModelNotFoundError: A file of a split model is missing, or cannot be read.
        InvalidModelError: It generates no text, or a file is cut short.
    """
    check_is_text_model(model.path, read_header(model.path))
    if model.missing:
        raise ModelNotFoundError(
            f"Of {model.path} there is no {', no '.join(model.missing[:5])}"
            f"{' and others' * (len(model.missing) > 5)}.",
            "Put all files of a split model into one folder.",
        )
    for file in model.files:
        check_file_complete(file, read_header(file))


def build_model_description(path: Path, files: GgufFiles) -> ModelDescription:
    """Build the description of a model from the headers of its files; `path`: the first file."""
    header, values = files.header, files.value_counts_by_type
    metadata = header.metadata
    stated = metadata.get("general.parameter_count")
    return ModelDescription(
        path=path,
        files=tuple(file for file, _ in files.there if file.is_file()),
        missing=files.missing,
        kind=detect_kind(metadata, header.tensor_count),
        title=one_line(_read_text_or_empty(metadata, "general.name"), 80) or path.stem,
        architecture=one_line(header.architecture, 40) or "unknown",
        parameters=stated if isinstance(stated, int) and stated > 0 else sum(values.values()),
        quantisation=name_quantization(metadata, values),
        size=sum(_measure_or_predict_size(file, part) for file, part in files.there),
        weight_bytes=files.weight_bytes,
        total_layer_bytes=files.total_layer_bytes,
        trained_context=files.trained_context,
        experts=(
            header.get_count_or_zero(f"{header.architecture}.expert_count"),
            header.get_count_or_zero(f"{header.architecture}.expert_used_count"),
        ),
        tokenizer=" ".join(
            filter(
                None,
                (
                    _read_text_or_empty(metadata, f"tokenizer.ggml.{key}")
                    for key in ("model", "pre")
                ),
            )
        ),
        template=_read_text_or_empty(metadata, "tokenizer.chat_template"),
        thinks=detect_chat_format(metadata, file=path.stem).thinks,
        shape=files.shape,
    )


def _measure_or_predict_size(file: Path, header: GgufHeader) -> int:
    """Return the file's length, or what its header requires if the file does not exist yet."""
    return file.stat().st_size if file.is_file() else header.needed_bytes


def _read_text_or_empty(metadata: dict[str, Any], key: str) -> str:
    """Return the text under `key` in a header's metadata; empty if it is missing or no text."""
    value = metadata.get(key)
    return value if isinstance(value, str) else ""

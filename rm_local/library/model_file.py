"""A model as its header tells it; llama.cpp is not asked, and no weight is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rm_local.engine import describe_thinking
from rm_local.errors import ModelMissing
from rm_local.gguf import (
    GgufFiles,
    GgufHeader,
    ModelKind,
    ModelShape,
    check_generates,
    check_whole,
    detect_kind,
    first_part,
    name_quantization,
    read_files,
    read_header,
)
from rm_local.text import one_line


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What the library knows of a model."""

    path: Path
    """Its file, of several the first: what the engine is to load."""
    files: tuple[Path, ...]
    """All its files that are there; of rm-small none before its first use."""
    missing: tuple[str, ...]
    """Names of its files that are not."""
    kind: ModelKind
    title: str
    architecture: str
    parameters: int
    quantisation: str
    size: int
    """Bytes on the disk; of rm-small, before its first use, those that it will take."""
    weights: int
    """Bytes of weights."""
    layered: int
    """Those of them that belong to a layer."""
    context: int
    """Tokens that it was trained on at once; 0 where it does not tell."""
    experts: tuple[int, int]
    """How many, and how many of them a token takes."""
    tokenizer: str
    template: str
    """Its chat template; empty for none."""
    thinks: bool
    """Whether its family thinks before it answers; files of the user's are not asked."""
    shape: ModelShape


def read_model(path: Path) -> ModelFile:
    """The model at `path`, which may be any of its files.

    Raises ModelMissing, and ModelInvalid when a file is no GGUF or is damaged in its header.
    """
    path = first_part(path)
    return describe_model(path, read_files(path))


def check_usable(model: ModelFile) -> None:
    """ModelInvalid or ModelMissing when the engine could not load it: parts missing, cut short."""
    check_generates(model.path, read_header(model.path))
    if model.missing:
        raise ModelMissing(
            f"Of {model.path} there is no {', no '.join(model.missing[:5])}"
            f"{' and others' * (len(model.missing) > 5)}.",
            "All files of a split model have to lie in one folder.",
        )
    for file in model.files:
        check_whole(file, read_header(file))


def describe_model(path: Path, files: GgufFiles) -> ModelFile:
    """What the headers of a model's files say of it; the first is, or will be, at `path`."""
    header, values = files.header, files.values
    metadata = header.metadata
    told = metadata.get("general.parameter_count")
    return ModelFile(
        path=path,
        files=tuple(file for file, _ in files.there if file.is_file()),
        missing=files.missing,
        kind=detect_kind(metadata, header.tensors),
        title=one_line(_text(metadata, "general.name"), 80) or path.stem,
        architecture=one_line(header.architecture, 40) or "unknown",
        parameters=told if isinstance(told, int) and told > 0 else sum(values.values()),
        quantisation=name_quantization(metadata, values),
        size=sum(_measure_size(file, part) for file, part in files.there),
        weights=files.weights,
        layered=files.layered,
        context=files.context,
        experts=(
            header.number(f"{header.architecture}.expert_count"),
            header.number(f"{header.architecture}.expert_used_count"),
        ),
        tokenizer=" ".join(
            filter(None, (_text(metadata, f"tokenizer.ggml.{key}") for key in ("model", "pre")))
        ),
        template=_text(metadata, "tokenizer.chat_template"),
        thinks=describe_thinking(metadata, file=path.stem).thinks,
        shape=files.shape,
    )


def _measure_size(file: Path, header: GgufHeader) -> int:
    return file.stat().st_size if file.is_file() else header.needed


def _text(metadata: dict[str, Any], key: str) -> str:
    value = metadata.get(key)
    return value if isinstance(value, str) else ""

"""A model as its header tells it; llama.cpp is not asked, and no weight is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rm_local.engine import gguf_header
from rm_local.engine.gguf_header import Header
from rm_local.engine.gguf_kind import Kind, is_split, kind
from rm_local.errors import ModelInvalid, ModelMissing
from rm_local.library.quantisation import quantisation
from rm_local.library.shape import Shape, shape_of
from rm_local.text import one_line

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)
_MOST_PARTS = 1000
_THINKS = re.compile(
    r"<think>|</think>|enable_thinking|<\|channel\|>|<\|channel>|\[THINK\]|<seed:think>"
    r"|reasoning_effort|thinking_budget|reasoning_content"
)


@dataclass(frozen=True, slots=True)
class Model:
    """What the library knows of a model."""

    path: Path
    """Its file, of several the first: what the engine is to load."""
    files: tuple[Path, ...]
    """All its files that are there."""
    missing: tuple[str, ...]
    """Names of its files that are not."""
    kind: Kind
    title: str
    architecture: str
    parameters: int
    quantisation: str
    size: int
    """Bytes on the disk."""
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
    shape: Shape

    @property
    def thinks(self) -> bool:
        """Whether its chat template has a mark of thinking in it."""
        return bool(_THINKS.search(self.template))


def part_of(path: Path) -> tuple[str, int, int] | None:
    """Stem, number (from 1) and count of a split model's file, by its name; None for others."""
    found = _PART.fullmatch(path.name)
    return (found[1], int(found[2]), int(found[3])) if found else None


def first_part(path: Path) -> Path:
    """The first of the files that belong to a model; the file itself where it is not split."""
    part = part_of(path)
    return path.with_name(_part_name(path, 1)) if part and part[1] != 1 else path


def read(path: Path) -> Model:
    """The model at `path`, which may be any of its files.

    Raises ModelMissing, and ModelInvalid when a file is no GGUF or is damaged in its header.
    """
    path = first_part(path)
    header = gguf_header.read(path)
    if not is_split(header.metadata):
        return _model(path, [(path, header)], (), header)
    part = part_of(path)
    count = part[2] if part else 1
    if count > _MOST_PARTS:
        raise ModelInvalid(f"{path} says that it is one of {count:,} files.", "Copy it again.")
    names = [path.with_name(_part_name(path, number)) for number in range(1, count + 1)]
    there = [(file, gguf_header.read(file)) for file in names if file.is_file()]
    missing = tuple(file.name for file in names if not file.is_file())
    return _model(path, there, missing, header)


def check_usable(model: Model) -> None:
    """ModelInvalid or ModelMissing when the engine could not load it: parts missing, cut short."""
    gguf_header.check_generates(model.path, gguf_header.read(model.path))
    if model.missing:
        raise ModelMissing(
            f"Of {model.path} there is no {', no '.join(model.missing[:5])}"
            f"{' and others' * (len(model.missing) > 5)}.",
            "All files of a split model have to lie in one folder.",
        )
    for file in model.files:
        gguf_header.check_whole(file, gguf_header.read(file))


def _part_name(path: Path, number: int) -> str:
    part = _PART.fullmatch(path.name)
    return f"{part[1]}-{number:05}-of-{part[3]}{path.suffix}" if part else path.name


def _model(
    path: Path, parts: list[tuple[Path, Header]], missing: tuple[str, ...], header: Header
) -> Model:
    metadata, values = header.metadata, _sum(part for _, part in parts)
    told = metadata.get("general.parameter_count")
    return Model(
        path=path,
        files=tuple(file for file, _ in parts),
        missing=missing,
        kind=kind(metadata, header.tensors),
        title=one_line(_text(metadata, "general.name"), 80) or path.stem,
        architecture=one_line(header.architecture, 40) or "unknown",
        parameters=told if isinstance(told, int) and told > 0 else sum(values.values()),
        quantisation=quantisation(metadata, values),
        size=sum(file.stat().st_size for file, _ in parts),
        weights=sum(part.weights for _, part in parts),
        layered=sum(part.layered for _, part in parts),
        context=_number(metadata, f"{header.architecture}.context_length"),
        experts=(
            _number(metadata, f"{header.architecture}.expert_count"),
            _number(metadata, f"{header.architecture}.expert_used_count"),
        ),
        tokenizer=" ".join(
            filter(None, (_text(metadata, f"tokenizer.ggml.{key}") for key in ("model", "pre")))
        ),
        template=_text(metadata, "tokenizer.chat_template"),
        shape=shape_of(metadata),
    )


def _sum(headers: Iterable[Header]) -> dict[int, int]:
    """How many values of each ggml type all parts hold."""
    total: Counter[int] = Counter()
    for header in headers:
        total.update(header.values)
    return dict(total)


def _text(metadata: dict[str, Any], key: str) -> str:
    value = metadata.get(key)
    return value if isinstance(value, str) else ""


def _number(metadata: dict[str, Any], key: str) -> int:
    value = metadata.get(key)
    return value if isinstance(value, int) and 0 < value < 1 << 31 else 0

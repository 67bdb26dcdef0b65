"""Detects the kind of a GGUF file (text model, embedder, adapter, ...) from its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

ModelKind = Literal["text", "embedder", "projector", "adapter", "vocabulary", "other"]
"""The kind of a GGUF file.

A `text` model continues a prompt; an `embedder` turns text into a vector; a vision `projector` and
an `adapter` are parts for another model; a `vocabulary` has no weights; `other` covers
encoder-decoders, diffusion and sound models."""

_ENCODERS = {
    "bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert",
    "neo-bert", "eurobert", "gemma-embedding", "t5encoder", "llama-embed",
}  # fmt: skip
_OTHER = {"t5", "dream", "llada", "llada-moe", "rnd1", "wavtokenizer-dec", "whisper"}
_PARTS: dict[object, ModelKind] = {"mmproj": "projector", "clip": "projector", "adapter": "adapter"}


def detect_kind(metadata: Mapping[str, Any], tensors: int) -> ModelKind:
    """Detect the kind of a GGUF file from its metadata and its number of tensors."""
    type_ = metadata.get("general.type", "model")
    architecture = str(metadata.get("general.architecture", ""))
    for mark in (type_, architecture):
        if isinstance(mark, str) and mark in _PARTS:
            return _PARTS[mark]
    if type_ != "model" or architecture in _OTHER:
        return "other"
    causal = metadata.get(f"{architecture}.attention.causal", True)
    if architecture in _ENCODERS or metadata.get(f"{architecture}.pooling_type") or not causal:
        return "embedder"
    whole = tensors or is_split(metadata)
    return "text" if whole and "tokenizer.ggml.tokens" in metadata else "vocabulary"


def is_split(metadata: Mapping[str, Any]) -> bool:
    """Return whether the metadata state that a model's weights are split over several files.

    The first of these files may contain no weights.
    """
    count = metadata.get("split.count", 0)
    return isinstance(count, int) and count > 1

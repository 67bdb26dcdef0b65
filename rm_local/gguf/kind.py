"""What a GGUF file is for, as its metadata tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

ModelKind = Literal["text", "embedder", "projector", "adapter", "vocabulary", "other"]
"""`text` writes on from a prompt; a vision `projector` and an `adapter` are parts for another
model; a `vocabulary` has no weights; `other` is what llama.cpp runs in ways that are not used here
(encoder-decoders, diffusion, sound) or not at all."""

_ENCODERS = {
    "bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert",
    "neo-bert", "eurobert", "gemma-embedding", "t5encoder", "llama-embed",
}  # fmt: skip
_OTHER = {"t5", "dream", "llada", "llada-moe", "rnd1", "wavtokenizer-dec", "whisper"}
_PARTS: dict[object, ModelKind] = {"mmproj": "projector", "clip": "projector", "adapter": "adapter"}


def detect_kind(metadata: Mapping[str, Any], tensors: int) -> ModelKind:
    """What the file with this metadata and so many tensors is for."""
    told = metadata.get("general.type", "model")
    architecture = str(metadata.get("general.architecture", ""))
    for mark in (told, architecture):
        if isinstance(mark, str) and mark in _PARTS:
            return _PARTS[mark]
    if told != "model" or architecture in _OTHER:
        return "other"
    causal = metadata.get(f"{architecture}.attention.causal", True)
    if architecture in _ENCODERS or metadata.get(f"{architecture}.pooling_type") or not causal:
        return "embedder"
    whole = tensors or is_split(metadata)
    return "text" if whole and "tokenizer.ggml.tokens" in metadata else "vocabulary"


def is_split(metadata: Mapping[str, Any]) -> bool:
    """Whether the weights lie in several files, of which the first may hold none."""
    count = metadata.get("split.count", 0)
    return isinstance(count, int) and count > 1

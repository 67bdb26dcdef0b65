"""Embedders as they are published: where their files are, and what they were trained for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rm_local.errors import ModelInvalid, ModelMissing, UsageError
from rm_local.home import expand_home
from rm_local.library import find_hub_cache
from rm_local.store import STOPWORDS, EmbedderId

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
OTHER_RUNTIMES = ["onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot"]
"""The same weights again, for what is not used here."""


def model_folder(model: str | Path) -> Path:
    """The folder of a sentence-transformers model, by path or by its name on Hugging Face.

    A name is taken from the hub's cache, or downloaded there. ModelMissing: it is nowhere.
    """
    folder = expand_home(model)
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                str(model), cache_dir=find_hub_cache(), ignore_patterns=OTHER_RUNTIMES
            )
        )
    except (OSError, ValueError) as error:
        raise ModelMissing(
            f"There is no folder {model}, and no model of that name could be had: {error}.",
            "Give the folder of a sentence-transformers model, or a name from Hugging Face.",
        ) from None


def model_name(model: str | Path) -> str:
    """What a store calls it: the name of its folder, not the way there, or its name on the hub."""
    folder = expand_home(model)
    return folder.resolve().name if folder.is_dir() else str(model)


def known_words(folder: Path) -> frozenset[str]:
    """The words, in lower case, that the model knows whole; it sees any other in pieces.

    Common words alone where it has no list of pieces, as other than BERT's kin have none.
    """
    listed = folder / "vocab.txt"
    if not listed.is_file():
        return STOPWORDS
    return whole_words(listed.read_text("utf-8", "replace").split("\n"))


def whole_words(pieces: Iterable[str]) -> frozenset[str]:
    """Those of WordPiece's pieces that are words of more than one letter."""
    return frozenset(piece for piece in pieces if len(piece) > 1 and piece.isalpha())


def identity(folder: Path, name: str, dimension: int | None = None) -> EmbedderId:
    """Who makes the vectors: name, dimension and sha256 of the weights.

    UsageError: the model was not trained to be cut to `dimension`. ModelInvalid: no weights.
    """
    full = _dimension(folder)
    if dimension in (None, full):
        return EmbedderId(name, full, _sha256(folder))
    allowed = _trained_dimensions(folder)
    if dimension not in allowed:
        told = ", ".join(map(str, sorted(allowed))) or "no other"
        raise UsageError(
            f"{name} was not trained to be cut to {dimension} dimensions.",
            f"It has {full}, and was trained to be cut to: {told}.",
        )
    return EmbedderId(f"{name}@{dimension}", dimension, _sha256(folder))


def _dimension(folder: Path) -> int:
    """Of the last module that says so: a dense layer, else the pooling, else the transformer."""
    modules = _json(folder / "modules.json")
    found = 0
    for module in modules if isinstance(modules, list) else []:
        config = _json(folder / module.get("path", "") / "config.json")
        for key in ("out_features", "word_embedding_dimension", "embedding_dimension"):
            found = config.get(key, found)
    found = found or _json(folder / "config.json").get("hidden_size", 0)
    if not isinstance(found, int) or found < 1:
        raise ModelInvalid(f"{folder} does not say how many dimensions its vectors have.")
    return found


def _trained_dimensions(folder: Path) -> set[int]:
    """The dimensions to which the model's configuration says that it may be cut (Matryoshka)."""
    listed = _json(folder / "config.json").get("matryoshka_dimensions") or []
    cut = _json(folder / "config_sentence_transformers.json").get("truncate_dim")
    return {int(d) for d in [*listed, *([cut] if cut else [])]}


def _sha256(folder: Path) -> str:
    """Of the weights of all modules; of several files, one after another in the order of paths."""
    for pattern in WEIGHTS:
        if files := sorted(folder.rglob(pattern)):
            break
    else:
        raise ModelInvalid(f"{folder} holds no weights ({', '.join(WEIGHTS)}).")
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise ModelInvalid(f"{path} is not JSON: {error}.", "Get the model anew.") from None

"""Embedders as they are published: where their files are, and what they were trained for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from rm_local.errors import ModelInvalid, ModelMissing, UsageError
from rm_local.memory.format import EmbedderId

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def model_folder(model: str | Path) -> Path:
    """The folder of a sentence-transformers model, by path or by its name on Hugging Face.

    A name is taken from the hub's cache, or downloaded there. ModelMissing: it is nowhere.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(model)))
    except (OSError, ValueError) as error:
        raise ModelMissing(
            f"There is no folder {model}, and no model of that name could be had: {error}.",
            "Give the folder of a sentence-transformers model, or a name from Hugging Face.",
        ) from None


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
    """Of the weights; of several files, one after another in the order of their names."""
    for pattern in WEIGHTS:
        if files := sorted(folder.glob(pattern)):
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
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}

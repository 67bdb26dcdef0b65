"""Finds the files of published embedders; reads their dimensions, hashes and vocabularies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rm_local.errors import InvalidModelError, ModelNotFoundError, UsageError
from rm_local.home import expand_home
from rm_local.library import find_hub_cache
from rm_local.store import STOPWORDS, EmbedderId

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
OTHER_RUNTIMES = ["onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot"]
"""Patterns of files that contain the same weights for runtimes that are not used here."""


def find_model_folder(model: str | Path) -> Path:
    """Find the folder of a sentence-transformers model by its path or its name on Hugging Face.

    A model that is not in Hugging Face's cache is downloaded to it.

    Raises:
        ModelNotFoundError: There is no such folder, and the download failed.
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
        raise ModelNotFoundError(
            f"There is no folder {model}, and a model of that name cannot be downloaded: {error}.",
            "Give the folder of a sentence-transformers model, or a name from Hugging Face.",
        ) from None


def choose_model_name(model: str | Path) -> str:
    """Choose the name of a model to record in a store: its folder's name or its name on the hub."""
    folder = expand_home(model)
    return folder.resolve().name if folder.is_dir() else str(model)


def read_known_words(folder: Path) -> frozenset[str]:
    """Read the words with a token of their own in the model's vocabulary, in lower case.

    A model without `vocab.txt` (not similar to BERT) gets a list of common words instead.
    """
    listed = folder / "vocab.txt"
    if not listed.is_file():
        return STOPWORDS
    return select_whole_words(listed.read_text("utf-8", "replace").split("\n"))


def select_whole_words(pieces: Iterable[str]) -> frozenset[str]:
    """Select the WordPiece pieces that are whole words of more than one letter."""
    return frozenset(piece for piece in pieces if len(piece) > 1 and piece.isalpha())


def identify_embedder(folder: Path, name: str, dimension: int | None = None) -> EmbedderId:
    """Build the identity of an embedder: its name, dimension, and sha256 of its weights.

    Raises:
        UsageError: The model was not trained for vectors cut to `dimension`.
        InvalidModelError: The folder has no weights, or does not state a dimension.
    """
    full = _read_dimension(folder)
    if dimension in (None, full):
        return EmbedderId(name, full, _hash_weights(folder))
    allowed = _read_trained_dimensions(folder)
    if dimension not in allowed:
        listed = ", ".join(map(str, sorted(allowed))) or "no other"
        raise UsageError(
            f"{name} was not trained to be cut to {dimension} dimensions.",
            f"It has {full}, and was trained to be cut to: {listed}.",
        )
    return EmbedderId(f"{name}@{dimension}", dimension, _hash_weights(folder))


def _read_dimension(folder: Path) -> int:
    """Read the dimension of the model's vectors from the last module that states a dimension.

    Modules are, for example, a transformer, pooling and a dense layer.
    """
    modules = _read_json(folder / "modules.json")
    found = 0
    for module in modules if isinstance(modules, list) else []:
        config = _read_json(folder / module.get("path", "") / "config.json")
        for key in ("out_features", "word_embedding_dimension", "embedding_dimension"):
            found = config.get(key, found)
    found = found or _read_json(folder / "config.json").get("hidden_size", 0)
    if not isinstance(found, int) or found < 1:
        raise InvalidModelError(f"{folder} does not state how many dimensions its vectors have.")
    return found


def _read_trained_dimensions(folder: Path) -> set[int]:
    """Read the dimensions to which the model's vectors can be cut (Matryoshka training)."""
    listed = _read_json(folder / "config.json").get("matryoshka_dimensions") or []
    cut = _read_json(folder / "config_sentence_transformers.json").get("truncate_dim")
    return {int(d) for d in [*listed, *([cut] if cut else [])]}


def _hash_weights(folder: Path) -> str:
    """Hash the weights of all modules; the files are hashed in the order of their paths."""
    for pattern in WEIGHTS:
        if files := sorted(folder.rglob(pattern)):
            break
    else:
        raise InvalidModelError(f"{folder} holds no weights ({', '.join(WEIGHTS)}).")
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise InvalidModelError(
            f"{path} is not JSON: {error}.", "Download the model again."
        ) from None

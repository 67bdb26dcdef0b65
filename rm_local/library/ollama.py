"""Finds models in Ollama's folders, where a manifest names the GGUF file of a model.

The manifests, `manifests/HOST/OWNER/MODEL/TAG`, are OCI image manifests; the layer whose media type
ends in `image.model` holds the weights, at `blobs/sha256-HEX`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rm_local.home import expand_home_if_known, find_home
from rm_local.library.scan import Note

MODEL = "application/vnd.ollama.image.model"
"""Media type of the layer with the weights."""
LARGEST_MANIFEST = 1 << 20
"""Maximum bytes of a manifest; larger ones are ignored."""
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")


def list_possible_ollama_roots() -> list[Path]:
    """List the folders with Ollama's models; they need not exist.

    They are OLLAMA_MODELS alone, or else the user's folder and, on Linux, that of the service.
    """
    if path := os.environ.get("OLLAMA_MODELS"):
        return [expand_home_if_known(path)]
    home = find_home()
    roots = [home / ".ollama" / "models"] if home else []
    if sys.platform == "linux":
        roots.append(Path("/usr/share/ollama/.ollama/models"))
    return roots


def find_ollama_files_and_names(note: Note) -> Iterator[tuple[Path, str]]:
    """Yield the GGUF file and the name of each model: `model-tag`, or `model` for `latest`."""
    for root in list_possible_ollama_roots():
        if root.parts[:1] and root.parts[0].startswith("~"):
            note(f"OLLAMA_MODELS is {root}, and there is no such home folder")
        for manifest in sorted((root / "manifests").glob("*/*/*/*")):
            if blob := _find_blob_of_manifest(root, manifest, note):
                model, tag = manifest.parent.name, manifest.name
                yield blob, model if tag == "latest" else f"{model}-{tag}"


def find_ollama_name_or_empty(blob: Path) -> str:
    """Return Ollama's name of the model with the GGUF file `blob`, such as `qwen3:4b`; or empty."""
    for root in list_possible_ollama_roots():
        for manifest in sorted((root / "manifests").glob("*/*/*/*")):
            if _find_blob_of_manifest(root, manifest, lambda _note: None) == blob:
                host, owner, model, tag = manifest.parts[-4:]
                if host == "registry.ollama.ai":
                    host = ""
                    owner = "" if owner == "library" else owner
                return "/".join(filter(None, (host, owner, f"{model}:{tag}")))
    return ""


def _find_blob_of_manifest(root: Path, manifest: Path, note: Note) -> Path | None:
    """Find the GGUF file that a manifest names; None if it does not exist, or is not named.

    `note` gets a message if the manifest cannot be read.
    """
    try:
        if not manifest.is_file() or manifest.stat().st_size > LARGEST_MANIFEST:
            return None
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        note(f"Ollama's manifest {manifest} cannot be read: {error}")
        return None
    digest = _DIGEST.fullmatch(_get_model_digest_or_empty(content))
    blob = root / "blobs" / f"sha256-{digest[1]}" if digest else None
    return blob if blob and blob.is_file() else None


def _get_model_digest_or_empty(manifest: Any) -> str:
    """Return the digest of the layer with the weights; empty if the manifest has no such layer."""
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and layer.get("mediaType") == MODEL:
            return str(layer.get("digest"))
    return ""

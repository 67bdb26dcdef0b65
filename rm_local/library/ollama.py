"""Finds models in Ollama's store: `manifests/HOST/OWNER/MODEL/TAG` names the GGUF's blob.

The manifests are OCI image manifests; the layer whose media type ends in `image.model` holds the
weights, at `blobs/sha256-HEX`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rm_local.home import expand_home, find_home
from rm_local.library.scan import Note

MODEL = "application/vnd.ollama.image.model"
LARGEST_MANIFEST = 1 << 20
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")


def find_ollama_roots() -> list[Path]:
    """List Ollama's folders: OLLAMA_MODELS, else the user's and, on Linux, that of the service."""
    if path := os.environ.get("OLLAMA_MODELS"):
        return [expand_home(path)]
    home = find_home()
    roots = [home / ".ollama" / "models"] if home else []
    if sys.platform == "linux":
        roots.append(Path("/usr/share/ollama/.ollama/models"))
    return roots


def find_ollama_models(note: Note) -> Iterator[tuple[Path, str]]:
    """List each model's blob, and its name as `model-tag`, or `model` if the tag is `latest`."""
    for root in find_ollama_roots():
        for manifest in sorted((root / "manifests").glob("*/*/*/*")):
            if blob := _find_blob(root, manifest, note):
                model, tag = manifest.parent.name, manifest.name
                yield blob, model if tag == "latest" else f"{model}-{tag}"


def find_ollama_tag(blob: Path) -> str:
    """Find Ollama's name of the model with this blob, e.g. `qwen3:4b`; empty without a name."""
    for root in find_ollama_roots():
        for manifest in sorted((root / "manifests").glob("*/*/*/*")):
            if _find_blob(root, manifest, lambda _note: None) == blob:
                host, owner, model, tag = manifest.parts[-4:]
                if host == "registry.ollama.ai":
                    host = ""
                    owner = "" if owner == "library" else owner
                return "/".join(filter(None, (host, owner, f"{model}:{tag}")))
    return ""


def _find_blob(root: Path, manifest: Path, note: Note) -> Path | None:
    """Find the blob named by a manifest; None if it does not exist."""
    try:
        if not manifest.is_file() or manifest.stat().st_size > LARGEST_MANIFEST:
            return None
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        note(f"Ollama's manifest {manifest} cannot be read: {error}")
        return None
    digest = _DIGEST.fullmatch(_find_model_digest(content))
    blob = root / "blobs" / f"sha256-{digest[1]}" if digest else None
    return blob if blob and blob.is_file() else None


def _find_model_digest(manifest: Any) -> str:
    """Find the digest of the layer with the weights; empty if the manifest has no such layer."""
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and layer.get("mediaType") == MODEL:
            return str(layer.get("digest"))
    return ""

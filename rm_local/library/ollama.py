"""Ollama's store: `manifests/HOST/OWNER/MODEL/TAG` names the blob that is the GGUF.

The manifests are image manifests of OCI's kind; the layer whose media type ends in
`image.model` holds the weights, at `blobs/sha256-HEX`.
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


def ollama_roots() -> list[Path]:
    """OLLAMA_MODELS, or the user's folder and, on Linux, that of the service."""
    if path := os.environ.get("OLLAMA_MODELS"):
        return [expand_home(path)]
    home = find_home()
    roots = [home / ".ollama" / "models"] if home else []
    if sys.platform == "linux":
        roots.append(Path("/usr/share/ollama/.ollama/models"))
    return roots


def ollama_models(note: Note) -> Iterator[tuple[Path, str]]:
    """Each model's blob, and its name as `model-tag`, without the tag when it is `latest`."""
    for root in ollama_roots():
        for manifest in sorted((root / "manifests").glob("*/*/*/*")):
            if blob := _blob(root, manifest, note):
                model, tag = manifest.parent.name, manifest.name
                yield blob, model if tag == "latest" else f"{model}-{tag}"


def tag_of(blob: Path) -> str:
    """What Ollama calls the model with this blob (`qwen3:4b`); empty when no manifest names it."""
    for root in ollama_roots():
        for manifest in sorted((root / "manifests").glob("*/*/*/*")):
            if _blob(root, manifest, lambda _note: None) == blob:
                host, owner, model, tag = manifest.parts[-4:]
                if host == "registry.ollama.ai":
                    host = ""
                    owner = "" if owner == "library" else owner
                return "/".join(filter(None, (host, owner, f"{model}:{tag}")))
    return ""


def _blob(root: Path, manifest: Path, note: Note) -> Path | None:
    """The blob that a manifest names; None for none, or for one that is not there."""
    try:
        if not manifest.is_file() or manifest.stat().st_size > LARGEST_MANIFEST:
            return None
        told = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        note(f"Ollama's manifest {manifest} cannot be read: {error}")
        return None
    digest = _DIGEST.fullmatch(_model_digest(told))
    blob = root / "blobs" / f"sha256-{digest[1]}" if digest else None
    return blob if blob and blob.is_file() else None


def _model_digest(told: Any) -> str:
    """The digest of the layer with the weights; empty when the manifest has none."""
    layers = told.get("layers") if isinstance(told, dict) else None
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and layer.get("mediaType") == MODEL:
            return str(layer.get("digest"))
    return ""

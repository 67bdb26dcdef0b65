"""The Hugging Face cache: `models--ORG--REPO/snapshots/REVISION/...`, links to `blobs/`.

Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rm_local.library.walk import Note, gguf_files


def hub_root() -> Path:
    """HF_HUB_CACHE, or `hub` below HF_HOME, or that below the user's cache folder."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if path := os.environ.get(variable):
            return Path(path).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "huggingface" / "hub"


def hub_files(note: Note) -> Iterator[tuple[Path, str]]:
    """Each snapshot's GGUF files by their own names, and the repository's name without its owner.

    Of revisions that share a file each gives it; they are one file on the disk.
    """
    root = hub_root()
    if not root.is_dir():
        return
    for repo in sorted(root.glob("models--*")):
        for path in gguf_files(repo / "snapshots", note):
            if path.exists():  # a link to a blob that is gone is no model
                yield path, repo.name.rpartition("--")[2]


def repo_of(path: Path) -> str:
    """`org/repo` of a file in the cache; empty for any other."""
    for part in path.parts:
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    return ""

"""The Hugging Face cache: `models--ORG--REPO/snapshots/REVISION/...`, links to `blobs/`.

Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rm_local.library.hub.cache_writer import hub_cache
from rm_local.library.scan import Note, gguf_files


def hub_files(note: Note) -> Iterator[tuple[Path, str]]:
    """Each snapshot's GGUF files by their own names, and the repository's name without its owner.

    Of revisions that share a file each gives it; they are one file on the disk.
    """
    root = hub_cache()
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

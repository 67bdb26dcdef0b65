"""Paths in the Hugging Face cache on this machine, which other programs also use.

Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache. A file is `blobs/HASH`,
`snapshots/COMMIT/NAME` is a link to it, and `refs/REVISION` holds a commit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rm_local import paths
from rm_local.files import rename_and_sync_parent, write_bytes_atomically
from rm_local.home import expand_home_if_known, find_home
from rm_local.library.scan import Note, find_gguf_files


def get_hub_cache_folder() -> Path:
    """Return the folder of the Hugging Face cache, by the environment variables of huggingface_hub.

    The folder need not exist. Without a home folder it is in rm-local's own cache.

    Raises:
        HomeNotFoundError: There is neither a home folder nor a cache folder of rm-local.
    """
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if named := os.environ.get(variable):
            return _expand_variables_and_home(named)
    if named := os.environ.get("HF_HOME"):
        return _expand_variables_and_home(named) / "hub"
    if named := os.environ.get("XDG_CACHE_HOME"):
        return _expand_variables_and_home(named) / "huggingface" / "hub"
    home = find_home()
    return (home / ".cache" if home else paths.cache_dir()) / "huggingface" / "hub"


def _expand_variables_and_home(path: str) -> Path:
    """Replace environment variables and a leading `~` in a path."""
    return expand_home_if_known(os.path.expandvars(path))


def find_gguf_files_in_hub_cache(note: Note) -> Iterator[tuple[Path, str]]:
    """Yield the path of each GGUF file in the cache, and its repository's name without the owner.

    A file of several revisions is listed for each of them. `note` gets messages about folders that
    cannot be read.
    """
    root = get_hub_cache_folder()
    if not root.is_dir():
        return
    for repo in sorted(root.glob("models--*")):
        for path in find_gguf_files(repo / "snapshots", note):
            if path.exists():  # not a link to a missing blob
                yield path, repo.name.rpartition("--")[2]


def parse_cache_repo_or_empty(path: Path) -> str:
    """Return the repository (`org/repo`) of a path in the Hugging Face cache; else empty."""
    for part in path.parts:
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    return ""


@dataclass(frozen=True, slots=True)
class HubCachePaths:
    """The paths in the Hugging Face cache that belong to one file of a repository."""

    folder: Path
    """The repository's folder in the cache."""
    lock: Path
    """The lock file for downloads of this file, shared with huggingface_hub."""
    blob: Path
    """The file's content, named by its hash."""
    snapshot: Path
    """The file under its own name, usually a link to `blob`."""

    @classmethod
    def compute_cache_paths(
        cls, cache: Path, repo: str, commit: str, name: str, digest: str
    ) -> HubCachePaths:
        """Compute the cache paths of the file `name` of a repository; nothing is read.

        `digest`: the file's hash, in hexadecimal.
        """
        folder = "models--" + repo.replace("/", "--")
        return cls(
            cache / folder,
            cache / ".locks" / folder / f"{digest}.lock",
            cache / folder / "blobs" / digest,
            cache / folder / "snapshots" / commit / name,
        )

    @property
    def partial(self) -> Path:
        """Path to which the file is downloaded; its length is the number of bytes received."""
        return self.blob.with_name(f"{self.blob.name}.incomplete")

    def is_snapshot_complete(self, size: int) -> bool:
        """Return whether the snapshot's file exists and has `size` bytes."""
        return measure_size_or_zero(self.snapshot) == size

    def link_or_move_blob_if_complete(self, size: int) -> None:
        """Link `snapshot` to `blob` if the blob has `size` bytes, else do nothing.

        A former file or link `snapshot` is replaced. Where links fail, the blob is moved.
        """
        if measure_size_or_zero(self.blob) != size:
            return
        self.snapshot.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self.snapshot.unlink()
        try:
            self.snapshot.symlink_to(os.path.relpath(self.blob, self.snapshot.parent))
        except OSError:
            rename_and_sync_parent(self.blob, self.snapshot)

    def record_revision(self, revision: str, commit: str) -> None:
        """Write the commit of `revision` (a branch or tag) to the cache, for offline use."""
        ref = self.folder / "refs" / revision
        if revision == commit or (ref.is_file() and ref.read_text() == commit):
            return
        ref.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(ref, commit.encode())


def measure_size_or_zero(path: Path) -> int:
    """Return a file's length in bytes, following links; 0 if the file does not exist."""
    try:
        return path.stat().st_size
    except OSError:
        return 0

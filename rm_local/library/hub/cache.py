"""The Hugging Face cache on this machine, which other programs share.

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
from rm_local.files import replace_file, write_bytes_atomically
from rm_local.home import expand_home, find_home
from rm_local.library.scan import Note, find_gguf_files


def find_hub_cache() -> Path:
    """Find the folder of the hub's cache by the environment variables of huggingface_hub.

    The folder need not exist. Without a home folder it is in rm-local's own cache.

    Raises:
        HomeNotFoundError: There is neither a home folder nor a cache folder of rm-local.
    """
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if named := os.environ.get(variable):
            return _expand_path(named)
    if named := os.environ.get("HF_HOME"):
        return _expand_path(named) / "hub"
    if named := os.environ.get("XDG_CACHE_HOME"):
        return _expand_path(named) / "huggingface" / "hub"
    home = find_home()
    return (home / ".cache" if home else paths.cache_dir()) / "huggingface" / "hub"


def _expand_path(path: str) -> Path:
    return expand_home(os.path.expandvars(path))


def find_hub_files(note: Note) -> Iterator[tuple[Path, str]]:
    """List each snapshot's GGUF files, and the repository's name without its owner.

    A file of several revisions is listed for each of them.
    """
    root = find_hub_cache()
    if not root.is_dir():
        return
    for repo in sorted(root.glob("models--*")):
        for path in find_gguf_files(repo / "snapshots", note):
            if path.exists():  # not a link to a missing blob
                yield path, repo.name.rpartition("--")[2]


def parse_repo(path: Path) -> str:
    """Parse `org/repo` from the path of a file in the cache; empty for any other path."""
    for part in path.parts:
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    return ""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """The paths of one file of a repository in the cache."""

    folder: Path
    """The repository's folder in the cache."""
    lock: Path
    """The lock file, shared with huggingface_hub."""
    blob: Path
    snapshot: Path

    @classmethod
    def locate_file(cls, cache: Path, repo: str, commit: str, name: str, digest: str) -> CacheEntry:
        """Compute the paths of the file `name` with the hash `digest`."""
        folder = "models--" + repo.replace("/", "--")
        return cls(
            cache / folder,
            cache / ".locks" / folder / f"{digest}.lock",
            cache / folder / "blobs" / digest,
            cache / folder / "snapshots" / commit / name,
        )

    @property
    def partial(self) -> Path:
        """Path of the file during its download; its length is the progress."""
        return self.blob.with_name(f"{self.blob.name}.incomplete")

    def is_complete(self, size: int) -> bool:
        """Whether the file is in the cache with a length of `size` bytes."""
        return measure_size(self.snapshot) == size

    def link_snapshot(self, size: int) -> None:
        """Link the snapshot to a blob of `size` bytes; move the blob where links fail."""
        if measure_size(self.blob) != size:
            return
        self.snapshot.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self.snapshot.unlink()
        try:
            self.snapshot.symlink_to(os.path.relpath(self.blob, self.snapshot.parent))
        except OSError:
            replace_file(self.blob, self.snapshot)

    def name_revision(self, revision: str, commit: str) -> None:
        """Record the commit of `revision`, so that the revision is found without the hub."""
        ref = self.folder / "refs" / revision
        if revision == commit or (ref.is_file() and ref.read_text() == commit):
            return
        ref.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(ref, commit.encode())


def measure_size(path: Path) -> int:
    """Measure a file's length in bytes, following links; 0 if the file does not exist."""
    try:
        return path.stat().st_size
    except OSError:
        return 0

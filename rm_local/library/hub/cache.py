"""The Hugging Face cache on this machine, which other programs share.

Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache. A file lies in `blobs/` by
its hash, and `snapshots/COMMIT/NAME` points to it; `refs/REVISION` holds a commit.
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
    """Where the hub's cache lies, as huggingface_hub reads the environment; it need not exist.

    Without a home folder it is in rm-local's own cache. Raises HomeMissing without that, too.
    """
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if named := os.environ.get(variable):
            return _expanded(named)
    if named := os.environ.get("HF_HOME"):
        return _expanded(named) / "hub"
    if named := os.environ.get("XDG_CACHE_HOME"):
        return _expanded(named) / "huggingface" / "hub"
    home = find_home()
    return (home / ".cache" if home else paths.cache_dir()) / "huggingface" / "hub"


def _expanded(path: str) -> Path:
    return expand_home(os.path.expandvars(path))


def hub_files(note: Note) -> Iterator[tuple[Path, str]]:
    """Each snapshot's GGUF files by their own names, and the repository's name without its owner.

    Of revisions that share a file each gives it; they are one file on the disk.
    """
    root = find_hub_cache()
    if not root.is_dir():
        return
    for repo in sorted(root.glob("models--*")):
        for path in find_gguf_files(repo / "snapshots", note):
            if path.exists():  # a link to a blob that is gone is no model
                yield path, repo.name.rpartition("--")[2]


def repo_of(path: Path) -> str:
    """`org/repo` of a file in the cache; empty for any other."""
    for part in path.parts:
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    return ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one file of a repository lies in the cache."""

    folder: Path
    """The repository's own, in the cache."""
    lock: Path
    """huggingface_hub's own, so that it waits for us and we for it."""
    blob: Path
    snapshot: Path

    @classmethod
    def of(cls, cache: Path, repo: str, commit: str, name: str, digest: str) -> Place:
        """The place of the file `name` with this hash."""
        folder = "models--" + repo.replace("/", "--")
        return cls(
            cache / folder,
            cache / ".locks" / folder / f"{digest}.lock",
            cache / folder / "blobs" / digest,
            cache / folder / "snapshots" / commit / name,
        )

    @property
    def partial(self) -> Path:
        """What has come so far; its length says how much."""
        return self.blob.with_name(f"{self.blob.name}.incomplete")

    def there(self, size: int) -> bool:
        """Whether the file has come already, in this length."""
        return size_of(self.snapshot) == size

    def point(self, size: int) -> None:
        """Let the snapshot point to the blob, if that has this length; without links, be it."""
        if size_of(self.blob) != size:
            return
        self.snapshot.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self.snapshot.unlink()
        try:
            self.snapshot.symlink_to(os.path.relpath(self.blob, self.snapshot.parent))
        except OSError:
            replace_file(self.blob, self.snapshot)

    def name_revision(self, revision: str, commit: str) -> None:
        """Let `revision` stand for `commit`, so that it is found without asking the hub."""
        ref = self.folder / "refs" / revision
        if revision == commit or (ref.is_file() and ref.read_text() == commit):
            return
        ref.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(ref, commit.encode())


def size_of(path: Path) -> int:
    """The file's length, links followed; 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0

"""Says what is stored under a path, and reads small files.

Opening a pipe may wait forever, and a device may have no end.
"""

from __future__ import annotations

import stat
from pathlib import Path

FILE = "a file"
MOST_BYTES = 16 << 20
"""Maximum size of settings, templates and lists; those that are used have kilobytes."""
_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def describe_existing_path_type(path: Path) -> str:
    """Return what `path` is, with an article: `FILE`, "a folder", "a pipe", ...

    Links are followed.

    Raises:
        OSError: It does not exist, or cannot be examined.
    """
    return _KINDS.get(stat.S_IFMT(path.stat().st_mode), "a special file")


def describe_if_not_ordinary_file(path: Path) -> str:
    """Describe why there is no ordinary file `path`, as in "is a folder, not a file".

    Empty if there is one. The name of the path is left out, to be put in front.
    """
    try:
        kind = describe_existing_path_type(path)
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if kind == FILE else f"is {kind}, not a file"


class UnsuitableFileError(OSError):
    """A path is no ordinary file, or the file is too large; `strerror` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


def read_small_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read an ordinary file of at most `most` bytes, such as one that a user writes.

    Raises:
        UnsuitableFileError: It is a folder, a pipe or a device, or larger.
        OSError: It does not exist, or cannot be read.
    """
    if (kind := describe_existing_path_type(path)) != FILE:
        raise UnsuitableFileError(f"it is {kind}")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise UnsuitableFileError(f"it is larger than {most >> 20} MB")
    return data

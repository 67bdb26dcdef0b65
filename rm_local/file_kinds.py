"""Says what is stored under a path: opening a pipe may wait forever, and a device may not end."""

from __future__ import annotations

import stat
from pathlib import Path

FILE = "a file"
_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def name_file_kind(path: Path) -> str:
    """Return what `path` is, with an article: `FILE`, "a folder", "a pipe", ...

    Links are followed.

    Raises:
        OSError: It does not exist, or cannot be examined.
    """
    return _KINDS.get(stat.S_IFMT(path.stat().st_mode), "a special file")


def describe_missing_file(path: Path) -> str:
    """Describe why there is no ordinary file `path`, as in "is a folder, not a file".

    Empty if there is one. The name of the path is left out, to be put in front.
    """
    try:
        kind = name_file_kind(path)
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if kind == FILE else f"is {kind}, not a file"

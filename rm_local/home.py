"""The user's home folder, which a container or a service may not have."""

from __future__ import annotations

import os
from pathlib import Path


def find_home() -> Path | None:
    """Find the path of the home folder; None if the system names no home folder."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


def expand_home(path: str | Path) -> Path:
    """Expand a leading `~` or `~user` of `path`; return it unchanged without such a home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def find_folder(variable: str, *below_home: str) -> Path | None:
    """Find the folder named by an environment variable, else one below the home folder.

    None without the variable and without a home folder.
    """
    if value := os.environ.get(variable):
        return expand_home(value)
    home = find_home()
    return home.joinpath(*below_home) if home else None

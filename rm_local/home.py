"""Finds folders in the user's home folder, which a container or a service may not have."""

from __future__ import annotations

import os
from pathlib import Path


def find_home() -> Path | None:
    """Return the path of the user's home folder; None if the system names no home folder."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


def expand_home(path: str | Path) -> Path:
    """Replace a leading `~` or `~user` of `path` by the home folder, if there is such a home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def find_env_folder(variable: str, *below_home: str) -> Path | None:
    """Return the folder named by an environment variable, else the folder `below_home`.

    `below_home` are the parts of a path below the home folder. None if the variable is not set and
    there is no home folder.
    """
    if value := os.environ.get(variable):
        return expand_home(value)
    home = find_home()
    return home.joinpath(*below_home) if home else None

"""The user's home folder, which a container or a service may not have."""

from __future__ import annotations

import os
from pathlib import Path


def find_home() -> Path | None:
    """The home folder, which need not exist; None where the system names none."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


def expand_home(path: str | Path) -> Path:
    """`path` with a leading `~` or `~user` expanded; unchanged where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def find_folder(variable: str, *below_home: str) -> Path | None:
    """The folder that an environment variable names, or else the one below the home folder.

    None where there is neither.
    """
    if named := os.environ.get(variable):
        return expand_home(named)
    home = find_home()
    return home.joinpath(*below_home) if home else None

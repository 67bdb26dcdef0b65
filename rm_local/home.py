"""Finds folders in the user's home folder, which a container or a service may not have."""

from __future__ import annotations

import os
from pathlib import Path

from rm_local.errors import UnknownHomeError


def find_home() -> Path | None:
    """Return the path of the user's home folder; None if the system names no home folder."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


def expand_home_if_known(path: str | Path) -> Path:
    """Replace a leading `~` or `~user` of `path` by the home folder, if there is such a home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def expand_user_path(text: str) -> Path:
    """Return the path that a user wrote, with a leading `~` or `~user` replaced by the home folder.

    A relative path that really begins with `~`, written as `./~name`, is made absolute, so that it
    is not replaced later.

    Raises:
        UnknownHomeError: There is no such home folder.
    """
    if not text.startswith("~"):
        path = Path(text)
        return path.absolute() if path.parts[:1] and path.parts[0].startswith("~") else path
    expanded = Path(os.path.expanduser(text))
    if not expanded.is_absolute():
        raise UnknownHomeError(
            f"There is no home folder for {text}.",
            "Write the whole path, or ./~... for a name that begins with ~.",
        )
    return expanded


def get_env_or_home_folder(variable: str, *below_home: str) -> Path | None:
    """Return the folder named by an environment variable, else the folder `below_home`.

    `below_home` are the parts of a path below the home folder. None if the variable is not set and
    there is no home folder.
    """
    if value := os.environ.get(variable):
        return expand_home_if_known(value)
    home = find_home()
    return home.joinpath(*below_home) if home else None

"""The list of model files and folders that the user has added: a JSON file in the data folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rm_local import paths
from rm_local.errors import SettingsError
from rm_local.file_kinds import read_small_file
from rm_local.files import write_bytes_atomically
from rm_local.folders import explain_write_error
from rm_local.library.scan import Note


def get_added_models_path() -> Path:
    """Return the path of the JSON file with the list of added models; the file need not exist."""
    return paths.data_dir() / "models.json"


def read_added_paths_or_empty(note: Note) -> list[Path]:
    """Read the paths that the user has added, oldest first.

    If the list cannot be read, call `note` with a message, and return an empty list.
    """
    try:
        return _load_added_paths()
    except SettingsError as error:
        note(f"{error.message} {error.remedy}")
        return []


def add_model(path: Path) -> bool:
    """Add an absolute path to the list of added models; return False if it is already there.

    Raises:
        SettingsError: The list cannot be read or written.
    """
    known = _load_added_paths()
    if path in known:
        return False
    _save_added_paths([*known, path])
    return True


def forget_model(path: Path) -> bool:
    """Remove a path from the list of added models; return False if it is not there.

    Raises:
        SettingsError: The list cannot be read or written.
    """
    known = _load_added_paths()
    if path not in known:
        return False
    _save_added_paths([other for other in known if other != path])
    return True


def _load_added_paths() -> list[Path]:
    """Read the added paths, oldest first; empty without a list.

    Raises:
        SettingsError: The list cannot be read.
    """
    file = get_added_models_path()
    try:
        content = json.loads(read_small_file(file))
        if any("\0" in path for path in content["models"]):
            raise ValueError("a path contains a NUL character")
        return [Path(path) for path in content["models"]]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise SettingsError(
            f"{file}, the list of added models, cannot be read: {reason}.", "Fix or remove it."
        ) from None


def _save_added_paths(paths: list[Path]) -> None:
    """Write the list of added paths.

    Raises:
        SettingsError: The list cannot be written.
    """
    text = json.dumps({"models": [str(path) for path in paths]}, indent=2)
    write_text_file_atomically(get_added_models_path(), text + "\n")


def write_text_file_atomically(file: Path, text: str) -> None:
    """Write `text` as the new content of a file, atomically; a symbolic link is followed.

    Missing parent folders are created.

    Raises:
        SettingsError: The file cannot be written.
    """
    try:
        file = Path(os.path.realpath(file))
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(file, text.encode())
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {explain_write_error(error, file.parent)}.", paths.SET_HOME
        ) from error

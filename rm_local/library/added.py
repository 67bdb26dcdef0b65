"""Keeps the list of model files and folders added by the user, as JSON in the data folder."""

from __future__ import annotations

import json
from pathlib import Path

from rm_local import paths
from rm_local.errors import SettingsError
from rm_local.files import write_bytes_atomically
from rm_local.folders import explain_write_error
from rm_local.library.scan import Note


def added_file() -> Path:
    """Return the path of the JSON file; the file need not exist."""
    return paths.data_dir() / "models.json"


def read_added_paths(note: Note) -> list[Path]:
    """Read the added paths, oldest first; `note` gets a message if the list is unreadable."""
    try:
        return _load_paths()
    except SettingsError as error:
        note(f"{error.message} {error.remedy}")
        return []


def add_model(path: Path) -> bool:
    """Add an absolute path to the list; return False if the list already contains it.

    Raises:
        SettingsError: The list cannot be read or written.
    """
    known = _load_paths()
    if path in known:
        return False
    _save_paths([*known, path])
    return True


def forget_model(path: Path) -> bool:
    """Remove a path from the list; return False if the list does not contain it.

    Raises:
        SettingsError: The list cannot be read or written.
    """
    known = _load_paths()
    if path not in known:
        return False
    _save_paths([other for other in known if other != path])
    return True


def _load_paths() -> list[Path]:
    file = added_file()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return [Path(path) for path in content["models"]]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingsError(
            f"{file}, the list of added models, cannot be read: {error}.", "Fix or remove it."
        ) from None


def _save_paths(paths: list[Path]) -> None:
    text = json.dumps({"models": [str(path) for path in paths]}, indent=2)
    replace_text_file(added_file(), text + "\n")


def replace_text_file(file: Path, text: str) -> None:
    """Replace the content of a text file atomically; a symbolic link is followed.

    Raises:
        SettingsError: The file cannot be written.
    """
    try:
        file = file.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(file, text.encode())
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {explain_write_error(error, file.parent)}.", paths.SET_HOME
        ) from error

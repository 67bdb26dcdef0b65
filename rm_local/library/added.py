"""Remembers the files and folders that the user has added, as JSON in the data folder."""

from __future__ import annotations

import json
from pathlib import Path

from rm_local import paths
from rm_local.errors import SettingsError
from rm_local.files import write_bytes_atomically
from rm_local.folders import explain_write_error
from rm_local.library.scan import Note


def added_file() -> Path:
    """Path of the JSON file, which need not exist."""
    return paths.data_dir() / "models.json"


def read_added_paths(note: Note) -> list[Path]:
    """Read what was added, oldest first; `note` gets a message if the JSON file is unreadable."""
    try:
        return _load_paths()
    except SettingsError as error:
        note(f"{error.message} {error.remedy}")
        return []


def add_model(path: Path) -> bool:
    """Remember an absolute path; False if it was remembered already.

    Raises:
        SettingsError: The list cannot be read or written.
    """
    known = _load_paths()
    if path in known:
        return False
    _save_paths([*known, path])
    return True


def forget_model(path: Path) -> bool:
    """Forget a path; False if it was not remembered.

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
        SettingsError: It cannot be written.
    """
    try:
        file = file.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(file, text.encode())
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {explain_write_error(error, file.parent)}.", paths.SET_HOME
        ) from error

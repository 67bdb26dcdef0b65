"""The files and folders that the user has added, remembered as JSON in the data folder."""

from __future__ import annotations

import json
from pathlib import Path

from rm_local import paths
from rm_local.errors import SettingsError
from rm_local.files import write_bytes_atomically
from rm_local.folders import explain
from rm_local.library.scan import Note


def added_file() -> Path:
    """Where they are remembered; it need not exist."""
    return paths.data_dir() / "models.json"


def added_paths(note: Note) -> list[Path]:
    """What was added, oldest first; a file that cannot be read is told to `note`."""
    try:
        return _read()
    except SettingsError as error:
        note(f"{error.message} {error.remedy}")
        return []


def add_model(path: Path) -> bool:
    """Remember an absolute path; False when it was remembered already. Raises SettingsError."""
    known = _read()
    if path in known:
        return False
    _write([*known, path])
    return True


def forget_model(path: Path) -> bool:
    """Forget a path; False when it was not remembered. Raises SettingsError."""
    known = _read()
    if path not in known:
        return False
    _write([other for other in known if other != path])
    return True


def _read() -> list[Path]:
    file = added_file()
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return [Path(path) for path in told["models"]]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingsError(
            f"{file}, the list of added models, cannot be read: {error}.", "Mend or remove it."
        ) from None


def _write(paths: list[Path]) -> None:
    text = json.dumps({"models": [str(path) for path in paths]}, indent=2)
    replace(added_file(), text + "\n")


def replace(file: Path, text: str) -> None:
    """Write a text file whole or not at all, through a link to where it leads.

    Raises SettingsError when it cannot be written.
    """
    try:
        file = file.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(file, text.encode())
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {explain(error, file.parent)}.", paths.SET_HOME
        ) from error

"""Folders that a long operation keeps until it is done, so that it can continue after a stop.

They are placed next to the result. A folder of that name that the user made is never touched:
rm-local's own contain a marker file.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rm_local.errors import StoreError

MARKER = "rm-local-work"


def open_work_folder(folder: Path) -> None:
    """Make the folder, or use one that an earlier call made.

    Raises:
        StoreError: Another file or folder has that name.
        OSError: It cannot be made.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise StoreError(
            f"{folder} exists, but rm-local needs a folder of that name while it works.",
            "Rename it, or choose another name for the store.",
        )
    folder.mkdir(exist_ok=True)
    if not is_work_folder(folder) and any(folder.iterdir()):
        raise StoreError(
            f"{folder} contains other files, but rm-local needs a folder of that name "
            "while it works.",
            "Rename it, or choose another name for the store.",
        )
    (folder / MARKER).touch()


def is_work_folder(folder: Path) -> bool:
    """Whether rm-local made it."""
    return not folder.is_symlink() and (folder / MARKER).is_file()


def remove_work_folder(folder: Path) -> None:
    """Remove the folder with its content, if rm-local made it."""
    if is_work_folder(folder):
        shutil.rmtree(folder)

"""Work folders of long operations, kept until the result is complete so that a run can resume.

A work folder is placed next to the result and contains a marker file. A folder of that name without
the marker file belongs to the user and is never changed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rm_local.errors import StoreError

MARKER = "rm-local-work"


def make_or_reuse_work_folder(folder: Path) -> None:
    """Make the folder with its marker file, or reuse the work folder of an earlier run.

    An empty folder of that name is made a work folder, too.

    Raises:
        StoreError: A file, a link or a folder with other content has that name.
        OSError: The folder cannot be made.
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
    """Return whether `folder` is a work folder: it is no link and contains the marker file."""
    return not folder.is_symlink() and (folder / MARKER).is_file()


def remove_if_work_folder(folder: Path) -> None:
    """Remove `folder` with its content if it is a work folder; otherwise do nothing."""
    if is_work_folder(folder):
        shutil.rmtree(folder)

"""Finds GGUF files below a folder, with limits for large folders and circular links."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_DEPTH = 8
"""Number of levels of folders that are searched below the first folder."""
MAX_ENTRIES = 50_000
"""Maximum number of files and folders examined below one folder."""
Note = Callable[[str], None]
"""A function that receives a message for the user."""


def find_gguf_files(root: Path, note: Note, *, most: int = MAX_ENTRIES) -> Iterator[Path]:
    """Yield the files below `root` that end in `.gguf`, sorted within each folder.

    The search is limited to MAX_DEPTH levels and `most` entries. Links are followed, each folder is
    entered once. `note` gets a message about a folder that cannot be read, or a search that was cut
    off. A root that does not exist holds no files.
    """
    if not root.is_dir():
        return
    seen: set[tuple[int, int]] = set()
    waiting = deque([(root, 0)])
    looked_at = 0
    while waiting:
        folder, depth = waiting.popleft()
        for entry in _list_entries_once(folder, seen, note):
            looked_at += 1
            if looked_at > most:
                note(f"{root} holds more than {most:,} files: the rest was not searched")
                return
            if _is_folder(entry):
                if depth < MAX_DEPTH:
                    waiting.append((Path(entry.path), depth + 1))
            elif entry.name.lower().endswith(".gguf"):
                yield Path(entry.path)


def _list_entries_once(
    folder: Path, seen: set[tuple[int, int]], note: Note
) -> list[os.DirEntry[str]]:
    """List a folder's entries, sorted by name, and add the folder to `seen`.

    Empty for a folder in `seen`, or one that cannot be read; then `note` gets a message.
    """
    try:
        found = folder.stat()
        if (found.st_dev, found.st_ino) in seen:
            return []
        seen.add((found.st_dev, found.st_ino))
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        note(f"{folder} cannot be read: {error.strerror}")
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; False if it cannot be read."""
    try:
        return entry.is_dir()
    except OSError:
        return False

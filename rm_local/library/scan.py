"""GGUF files below a folder, however large the folder and wherever its links lead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

DEEPEST = 8
MOST = 50_000
"""Files and folders looked at below one folder."""
Note = Callable[[str], None]


def find_gguf_files(root: Path, note: Note, *, most: int = MOST) -> Iterator[Path]:
    """The files that end in `.gguf`, at most eight folders deep, each folder's in order.

    Links are followed, each folder is entered once. What cannot be read, and a search that was
    cut off, are told to `note`. A root that is not there holds nothing.
    """
    if not root.is_dir():
        return
    seen: set[tuple[int, int]] = set()
    waiting = deque([(root, 0)])
    looked_at = 0
    while waiting:
        folder, depth = waiting.popleft()
        for entry in _entries(folder, seen, note):
            looked_at += 1
            if looked_at > most:
                note(f"{root} holds more than {most:,} files: the rest of it was not looked at")
                return
            if _is_folder(entry):
                if depth < DEEPEST:
                    waiting.append((Path(entry.path), depth + 1))
            elif entry.name.lower().endswith(".gguf"):
                yield Path(entry.path)


def _entries(folder: Path, seen: set[tuple[int, int]], note: Note) -> list[os.DirEntry[str]]:
    """What lies in a folder, by name; nothing for one that was entered before."""
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
    try:
        return entry.is_dir()
    except OSError:
        return False

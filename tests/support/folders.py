"""Places that there always are in a test, which has a home of its own."""

from __future__ import annotations

from pathlib import Path

from rm_local import paths
from rm_local.sessions import Journal


def path_of(journal: Journal) -> Path:
    """The journal's file."""
    assert journal.path is not None
    return journal.path


def templates_folder() -> Path:
    """The user's own chat templates."""
    folder = paths.templates_dir()
    assert folder is not None
    return folder

"""Measures free disk space, and raises one common error if it is too little."""

from __future__ import annotations

import shutil
from pathlib import Path

from rm_local.errors import RmLocalError
from rm_local.units import format_bytes

REMEDY = "Make room, or choose a place on another disk."


def count_free_bytes(path: Path) -> int:
    """Count the free bytes for this user on the disk of `path`; `path` need not exist."""
    path = path.absolute()
    return shutil.disk_usage(next(each for each in (path, *path.parents) if each.is_dir())).free


def require_free(
    path: Path,
    needed: int,
    purpose: str,
    *,
    already_used: int = 0,
    error: type[RmLocalError] = RmLocalError,
    remedy: str = REMEDY,
) -> None:
    """Check that the disk of `path` has `needed` bytes free.

    `purpose` begins the message: "The build". `already_used` of the needed bytes are already
    written.

    Raises:
        RmLocalError: Less is free; the exception is of the type `error`.
    """
    free = count_free_bytes(path)
    if free + already_used < needed:
        raise error(
            f"{purpose} needs {format_bytes(needed)} on the disk of {path}, "
            f"of which {format_bytes(free)} are free.",
            remedy,
        )

"""Measures the free space of a disk, and raises an error if an operation needs more."""

from __future__ import annotations

import shutil
from pathlib import Path

from rm_local.errors import RmLocalError
from rm_local.units import format_bytes

REMEDY = "Make room, or choose a place on another disk."


def count_free_bytes(path: Path) -> int:
    """Return the number of bytes that this user can still write to the disk of `path`.

    `path` need not exist: its nearest existing parent folder decides.
    """
    path = path.absolute()
    return shutil.disk_usage(next(each for each in (path, *path.parents) if each.is_dir())).free


def require_free_bytes(
    path: Path,
    needed: int,
    purpose: str,
    *,
    already_used: int = 0,
    error: type[RmLocalError] = RmLocalError,
    remedy: str = REMEDY,
) -> None:
    """Check that the disk of `path` has `needed` bytes free, less the `already_used` ones.

    `already_used` bytes of `needed` were written by an earlier run. `purpose` is the subject of the
    error message, such as "The build"; `remedy` is its advice.

    Raises:
        RmLocalError: Too few bytes are free; the exception is of the type `error`.
    """
    free = count_free_bytes(path)
    if free + already_used < needed:
        raise error(
            f"{purpose} needs {format_bytes(needed)} on the disk of {path}, "
            f"of which {format_bytes(free)} are free.",
            remedy,
        )

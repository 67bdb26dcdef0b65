"""Explains why a folder cannot be written to, in one notice per run."""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

from rm_local import paths
from rm_local.errors import HomeNotFoundError
from rm_local.paths import SET_HOME

Kind = Literal["sessions", "the model's log", "the embedder's file"]

FOLDERS: dict[Kind, Callable[[], Path]] = {
    "sessions": paths.sessions_dir,
    "the model's log": paths.log_dir,
    "the embedder's file": paths.cache_dir,
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_HOME = "this user has no home folder"


class Notices:
    """Reports once per run which kinds of files cannot be saved, and why."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[Kind] = set()

    def report_unsaved(self, kind: Kind, error: OSError | HomeNotFoundError) -> None:
        """Report that `kind` and any other kinds of files cannot be saved.

        After the first notice only lost sessions cause another: temporary files replace the rest.
        """
        if kind in self._said or (self._said and kind != "sessions"):
            return
        reasons: dict[Kind, str] = {kind: _find_obstacle(kind) or explain_unsaved(error, kind)}
        for other in FOLDERS:
            if other not in reasons and (reason := _find_obstacle(other)):
                reasons[other] = reason
        self._said |= reasons.keys()
        self._say(f"{_join_reasons(reasons)} {SET_HOME}")

    def find_log(self) -> Path | None:
        """Find the path of the worker's log; without a log folder, report this and return None."""
        try:
            return paths.worker_log()
        except HomeNotFoundError as error:
            self.report_unsaved("the model's log", error)
            return None


def find_obstacle(folder: Path) -> str:
    """Find the reason why `folder` cannot be written to; empty if no reason is known.

    The folder need not exist. A full disk is not detected: only a write shows it.
    """
    nearest = next((each for each in (folder, *folder.parents) if os.path.lexists(each)), None)
    if nearest is None:
        return f"{folder} cannot be reached"
    if not os.path.isdir(nearest):
        return f"{nearest} is {'a broken link' if _is_broken_link(nearest) else 'not a folder'}"
    if os.access(nearest, os.W_OK | os.X_OK):
        return ""
    return (
        f"{nearest} is read-only"
        if _is_read_only(nearest)
        else _explain_missing_permission(nearest)
    )


@cache
def make_temporary_cache() -> Path:
    """Make a temporary folder in place of an unwritable cache; it is deleted at the process end."""
    folder = Path(tempfile.mkdtemp(prefix="rm-local-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def find_cache(say: Callable[[str], None]) -> Path:
    """Find the cache folder; if it is not writable, make a temporary one and `say` the reason."""
    if reason := _find_obstacle("the embedder's file"):
        say(f"Nothing can be cached for later runs: {reason}. {SET_HOME}")
        return make_temporary_cache()
    return paths.cache_dir()


def explain_write_error(error: OSError, folder: Path) -> str:
    """Explain why writing to `folder` failed."""
    if reason := find_obstacle(folder):
        return reason
    match error.errno:
        case errno.EROFS:
            return f"{folder} is read-only"
        case errno.EACCES | errno.EPERM:
            return _explain_missing_permission(folder)
        case code if code in _FULL:
            return f"the disk of {folder} is full"
    return f"{folder}: {error.strerror or error}"


def explain_unsaved(error: OSError | HomeNotFoundError, kind: Kind) -> str:
    """Explain why `kind` could not be saved."""
    return (
        _NO_HOME
        if isinstance(error, HomeNotFoundError)
        else explain_write_error(error, FOLDERS[kind]())
    )


def _find_obstacle(kind: Kind) -> str:
    try:
        return find_obstacle(FOLDERS[kind]())
    except HomeNotFoundError:
        return _NO_HOME


def _join_reasons(reasons: dict[Kind, str]) -> str:
    """Write one sentence for each reason."""
    sentences = []
    for reason in dict.fromkeys(reasons.values()):
        kinds = [kind for kind in reasons if reasons[kind] == reason]
        listed = " and ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))
        sentences.append(f"{listed[0].upper()}{listed[1:]} cannot be saved: {reason}.")
    return " ".join(sentences)


def _is_broken_link(path: Path) -> bool:
    return os.path.islink(path) and not os.path.exists(path)


def _is_read_only(folder: Path) -> bool:
    """Whether the file system of `folder` is mounted read-only; False if that is not known."""
    if not hasattr(os, "statvfs"):
        return False
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _explain_missing_permission(folder: Path) -> str:
    return f"writing to {folder} is not permitted"

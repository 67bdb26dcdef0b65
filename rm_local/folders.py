"""Finds out why a folder cannot be written to, and reports it to the user once per run."""

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

Kind = Literal["sessions", "the model's log", "cached files"]

FOLDERS: dict[Kind, Callable[[], Path]] = {
    "sessions": paths.sessions_dir,
    "the model's log": paths.log_dir,
    "cached files": paths.cache_dir,
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_HOME = "this user has no home folder"


class UnsavedFilesReporter:
    """Reports to the user, once per run, which kinds of files cannot be saved, and why.

    `say` is called with the text of each notice.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[Kind] = set()

    def report_unsaved_kinds_once(self, kind: Kind, error: OSError | HomeNotFoundError) -> None:
        """Report that `error` prevents saving `kind`, and which other kinds cannot be saved.

        Only the first call for a kind can cause a notice; after any notice only a call for sessions
        does, since temporary files replace the other kinds.
        """
        if kind in self._said or (self._said and kind != "sessions"):
            return
        reasons: dict[Kind, str] = {
            kind: _find_saving_obstacle_or_empty(kind) or explain_unsaved(error, kind)
        }
        for other in FOLDERS:
            if other not in reasons and (reason := _find_saving_obstacle_or_empty(other)):
                reasons[other] = reason
        self._said |= reasons.keys()
        self._say(f"{_format_reasons(reasons)} {SET_HOME}")

    def get_worker_log_path_or_report(self) -> Path | None:
        """Return the path of the worker's log; None without a home folder, which is reported."""
        try:
            return paths.worker_log()
        except HomeNotFoundError as error:
            self.report_unsaved_kinds_once("the model's log", error)
            return None


def find_write_obstacle_or_empty(folder: Path) -> str:
    """Return the reason why `folder` cannot be written to, as a clause; empty if none is found.

    Nothing is written: the permissions of the folder, or of its nearest existing parent, are
    examined. A full disk is not detected.
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
        if _is_mounted_read_only(nearest)
        else _explain_missing_permission(nearest)
    )


@cache
def get_or_make_temporary_cache_folder() -> Path:
    """Make a folder that replaces an unwritable cache until the process ends; one per process."""
    folder = Path(tempfile.mkdtemp(prefix="rm-local-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def get_cache_folder_or_make_temporary(say: Callable[[str], None]) -> Path:
    """Return the cache folder, which need not exist.

    If it cannot be written to, call `say` with the reason, and return a temporary folder.
    """
    if reason := _find_saving_obstacle_or_empty("cached files"):
        say(f"Nothing can be cached for later runs: {reason}. {SET_HOME}")
        return get_or_make_temporary_cache_folder()
    return paths.cache_dir()


def explain_write_error(error: OSError, folder: Path) -> str:
    """Return, as a clause, why writing to `folder` failed with `error`."""
    if reason := find_write_obstacle_or_empty(folder):
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
    """Return, as a clause, why a file of the kind `kind` could not be saved, given the `error`."""
    return (
        _NO_HOME
        if isinstance(error, HomeNotFoundError)
        else explain_write_error(error, FOLDERS[kind]())
    )


def _find_saving_obstacle_or_empty(kind: Kind) -> str:
    """Return the reason why the folder of this kind of files is not writable; empty if it is."""
    try:
        return find_write_obstacle_or_empty(FOLDERS[kind]())
    except HomeNotFoundError:
        return _NO_HOME


def _format_reasons(reasons: dict[Kind, str]) -> str:
    """Format one sentence for each different reason, with all kinds of files that it affects."""
    sentences = []
    for reason in dict.fromkeys(reasons.values()):
        kinds = [kind for kind in reasons if reasons[kind] == reason]
        listed = " and ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))
        sentences.append(f"{listed[0].upper()}{listed[1:]} cannot be saved: {reason}.")
    return " ".join(sentences)


def _is_broken_link(path: Path) -> bool:
    return os.path.islink(path) and not os.path.exists(path)


def _is_mounted_read_only(folder: Path) -> bool:
    """Return whether the file system of `folder` is mounted read-only; False if it is unknown."""
    if not hasattr(os, "statvfs"):
        return False
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _explain_missing_permission(folder: Path) -> str:
    return f"writing to {folder} is not permitted"

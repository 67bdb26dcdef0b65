"""Folders that cannot be written: why, and one notice for all of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rm_local import folders, paths
from rm_local.errors import HomeNotFoundError
from rm_local.folders import UnsavedFilesReporter, explain_write_error, find_write_obstacle_or_empty
from tests.support.blocked_folders import (
    BLOCKED,
    below_a_file,
    dangling_link,
    file_as_home,
    remove_home,
)


def test_a_folder_that_can_be_made_has_no_obstacle(tmp_path: Path) -> None:
    """Whether it exists or is still to be made, however deep."""
    assert find_write_obstacle_or_empty(tmp_path) == ""
    assert find_write_obstacle_or_empty(tmp_path / "a" / "b" / "c") == ""
    assert not (tmp_path / "a").exists()


def test_the_obstacle_is_named(tmp_path: Path) -> None:
    """The file or link in the way, not the folder that was wanted."""
    assert (
        find_write_obstacle_or_empty(file_as_home(tmp_path) / "x")
        == f"{tmp_path / 'file'} is not a folder"
    )
    assert (
        find_write_obstacle_or_empty(below_a_file(tmp_path))
        == f"{tmp_path / 'file'} is not a folder"
    )
    assert (
        find_write_obstacle_or_empty(dangling_link(tmp_path))
        == f"{tmp_path / 'link'} is a broken link"
    )


def test_a_read_only_disk_is_distinguished_from_a_missing_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only file system is distinguished from a missing permission."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert find_write_obstacle_or_empty(tmp_path) == f"writing to {tmp_path} is not permitted"

    monkeypatch.setattr(folders, "_is_mounted_read_only", lambda _: True)
    assert find_write_obstacle_or_empty(tmp_path) == f"{tmp_path} is read-only"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EROFS, "is read-only"),
        (errno.EACCES, "is not permitted"),
        (errno.EPERM, "is not permitted"),
        (errno.ENOSPC, "the disk of"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_an_error_while_writing_is_explained(tmp_path: Path, code: int, words: str) -> None:
    """An error of the system becomes words."""
    said = explain_write_error(OSError(code, os.strerror(code)), tmp_path)

    assert words in said
    assert str(tmp_path) in said


@pytest.mark.parametrize("block", BLOCKED)
def test_one_notice_names_all_that_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: Callable[[Path], Path]
) -> None:
    """The first failure names all that cannot be saved; further failures say nothing."""
    monkeypatch.setenv("RM_LOCAL_HOME", str(block(tmp_path)))
    said: list[str] = []
    notices = UnsavedFilesReporter(said.append)

    notices.report_unsaved_kinds_once("the model's log", NotADirectoryError(20, "Not a directory"))
    notices.report_unsaved_kinds_once("sessions", NotADirectoryError(20, "Not a directory"))
    notices.report_unsaved_kinds_once("cached files", NotADirectoryError(20, "Not a directory"))

    (notice,) = said
    assert notice.startswith("The model's log, sessions and cached files cannot be saved: ")
    assert notice.endswith(". Set RM_LOCAL_HOME to a folder that can be written to.")


def test_only_what_cannot_be_saved_is_named(own_home: Path) -> None:
    """A file in the place of one folder leaves the others alone."""
    own_home.mkdir()
    (own_home / "data").touch()
    said: list[str] = []

    UnsavedFilesReporter(said.append).report_unsaved_kinds_once(
        "sessions", NotADirectoryError(20, "Not a directory")
    )

    assert said == [
        f"Sessions cannot be saved: {own_home / 'data'} is not a folder. "
        "Set RM_LOCAL_HOME to a folder that can be written to."
    ]


def test_lost_sessions_are_always_said() -> None:
    """A disk that fills up after the first notice is one more, as sessions are lost."""
    said: list[str] = []
    notices = UnsavedFilesReporter(said.append)

    for kind in ("the model's log", "cached files", "sessions", "sessions"):
        notices.report_unsaved_kinds_once(kind, OSError(errno.ENOSPC, "No space left on device"))

    assert len(said) == 2
    assert said[1].startswith("Sessions cannot be saved: the disk of ")


def test_without_a_home_the_notice_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has no path then."""
    remove_home(monkeypatch)
    monkeypatch.delenv("RM_LOCAL_HOME")
    said: list[str] = []

    assert UnsavedFilesReporter(said.append).get_worker_log_path_or_report() is None

    assert len(said) == 1
    assert "this user has no home folder" in said[0]


def test_the_corpus_of_a_bench_does_without_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A temporary folder takes its place, which is said."""
    said: list[str] = []
    assert folders.get_cache_folder_or_make_temporary(said.append) == paths.cache_dir()
    assert said == []

    monkeypatch.setenv("RM_LOCAL_HOME", str(file_as_home(tmp_path)))

    assert folders.get_cache_folder_or_make_temporary(said.append).is_dir()
    assert "RM_LOCAL_HOME" in said[0]


def test_home_missing_has_a_documented_exit_code() -> None:
    """That of wrong settings."""
    assert HomeNotFoundError("This user has no home folder.").exit_code == 2

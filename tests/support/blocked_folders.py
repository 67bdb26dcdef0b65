"""Homes that cannot be used: none at all, and folders in which nothing can be written.

The tests may run as root, whom no permission stops; so something else stands where a folder
should be.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "LOGNAME", "USER", "LNAME", "USERNAME")
NO_PASSWD_ENTRY = """
import pwd

def unknown(_user):
    raise KeyError("uid not found")

pwd.getpwuid = pwd.getpwnam = unknown
"""


def file_as_home(tmp_path: Path) -> Path:
    """A file where the folder should be."""
    path = tmp_path / "file"
    path.touch()
    return path


def below_a_file(tmp_path: Path) -> Path:
    """A folder that would have to be made in a file."""
    return file_as_home(tmp_path) / "deep" / "home"


def dangling_link(tmp_path: Path) -> Path:
    """A link to a folder that does not exist."""
    path = tmp_path / "link"
    path.symlink_to(tmp_path / "nowhere", target_is_directory=True)
    return path


BLOCKED: list[Callable[[Path], Path]] = [file_as_home, below_a_file, dangling_link]


def remove_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process neither the environment nor the list of users names a home folder."""
    if sys.platform == "win32":
        pytest.skip("Windows names the folders of each user")
    import pwd

    def unknown(_user: object) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(pwd, "getpwnam", unknown)
    for name in (*NAMES, *(each for each in os.environ if each.startswith("XDG_"))):
        monkeypatch.delenv(name, raising=False)


def remove_home_of_children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same in this process and in each Python process that it starts."""
    remove_home(monkeypatch)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(NO_PASSWD_ENTRY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(hooks), str(ROOT)]))

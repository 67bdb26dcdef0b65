"""A copy of the checkout's tracked files, with a home of its own, in which commands may do harm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_NOWHERE = "http://127.0.0.1:9"
"""A proxy that refuses each connection."""
_NOT_INHERITED = re.compile(
    r"(XDG_|RM_LOCAL|PYTHON|VIRTUAL_ENV|HF_|PIP_|GIT_|OLLAMA_)|\w+_proxy$", re.I
)


class ThrowawayCheckout:
    """A git repository of its own with one commit: the tracked files as they are in a checkout.

    `.venv` in it is the environment that is active. Raises subprocess.CalledProcessError.
    """

    def __init__(self, original: Path, place: Path) -> None:
        self._original = original.resolve()
        self.folder = place / "rm-local"
        self._place = place
        self._home_number = 0
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=original, check=True, capture_output=True
        ).stdout
        for name in os.fsdecode(listed).split("\0"):
            if name and (original / name).exists():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(original / name, target)
        self._git("init", "--quiet")
        (self.folder / ".git" / "info" / "exclude").write_text(".venv\n", encoding="utf-8")
        self._git("add", "--all", "--force")
        who = ("-c", "user.name=A tester", "-c", "user.email=tester@localhost")
        self._git(*who, "commit", "--quiet", "--message", "All tracked files")
        (self.folder / ".venv").symlink_to(sys.prefix)
        self.start_afresh()

    @property
    def home(self) -> Path:
        """The folder that commands take for the user's home."""
        return self._place / f"home-{self._home_number}"

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a user in that home who has activated the environment."""
        kept = {name: value for name, value in os.environ.items() if not _NOT_INHERITED.match(name)}
        programs = self.folder / ".venv" / "bin"
        return {
            **kept,
            "HOME": str(self.home),
            "RM_LOCAL_HOME": str(self.home / "rm-local"),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder),
            "TERM": "xterm-256color",
            "http_proxy": _NOWHERE,
            "https_proxy": _NOWHERE,
        }

    def find_path(self, name: str) -> Path:
        """The file that a command in the checkout means by `name`; `~` is the home."""
        first, _, rest = name.partition("/")
        return self.home / rest if first == "~" else self.folder / name

    def find_copy(self, path: Path) -> Path:
        """The copy of a file of the original. Raises ValueError if it is not tracked there."""
        real = path.resolve()
        if real.is_relative_to(self._original):
            found = self.folder / real.relative_to(self._original)
            if found.is_file():
                return found
        raise ValueError(f"{path} is not tracked by git in {self._original}.")

    def start_afresh(self) -> None:
        """Make a new home, and remove what is not tracked."""
        self._git("clean", "-ffdxq", "--exclude=.venv")
        shutil.rmtree(self.home, ignore_errors=True)
        self._home_number += 1
        self.home.mkdir()

    def restore_changed(self) -> list[str]:
        """Restore the tracked files that were changed or removed; their names."""
        lines = self._git("status", "--porcelain", "--untracked-files=no").splitlines()
        if lines:
            self._git("reset", "--quiet", "--hard")
        return [line[3:] for line in lines]

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, encoding="utf-8"
        )
        return done.stdout
